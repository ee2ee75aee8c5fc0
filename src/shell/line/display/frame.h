/* The rows of an input as they stand on the terminal. A new frame is compared with the last one,
 * and only what differs is written, in one go. Every move is relative to the first row, wherever
 * that is on the screen. */
#ifndef SH_FRAME_H
#define SH_FRAME_H

#include "shell/line/display/layout.h"

/* The window: rows that may be shown, columns of the terminal; whether styles are, and whether rows
 * stay where they are when its width changes. */
typedef struct sh_window {
    int rows, columns;
    bool colour, keeps;
} sh_window;

/* Nothing stands there yet: the first row is the cursor's. */
void sh_frame_begin(void);
/* Shows the rows of the layout, or as many as the window has, around the cursor. Where memory ends
 * what stands there stays. */
void sh_frame_draw(const sh_window *window, const sh_page *page, const sh_scene *scene,
                   const sh_layout *layout);
/* Shows all rows, more than the window has, in place of what stands there; the first scroll away.
 */
void sh_frame_print(const sh_window *window, const sh_page *page, const sh_scene *scene,
                    const sh_layout *layout);
/* The cursor goes behind the last row, and the rows are the terminal's. */
void sh_frame_leave(void);
/* Takes the rows away. Where the terminal of that window lets them flow anew one wider than it
 * counts as several. */
void sh_frame_erase(const sh_window *window);
void sh_frame_free(void);

#endif
