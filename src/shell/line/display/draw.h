/* How the input is shown while it is typed: in place of Readline's own display, which has no room
 * for a mark before further lines, nor for a block higher than the window. The prompt and the text
 * are laid out (layout.h), the rows compared with those that stand there, and what differs is
 * written, as one frame. Everything is relative to where the first row stands, so nothing must be
 * printed meanwhile but by those who say so here. */
#ifndef SH_DRAW_H
#define SH_DRAW_H

#include "shell/shell.h"

/* Looks what the terminal can, after rl_initialize. False: it is drawn on by Readline, line by
 * line, and what follows leaves that to it. */
bool sh_draw_open(sh_shell *shell);
void sh_draw_close(void);
/* An input begins: its first row is the cursor's, which stands at the left edge. `further` is the
 * mark of further lines, with \001 and \002 around what takes no room, as in the prompt; it lasts
 * as long as the input. */
void sh_draw_begin(const char *further);
/* Readline's rl_redisplay_function. Where keys wait it puts the drawing off. */
void sh_draw(void);
/* Draws what was put off: no key waits. */
void sh_draw_now(void);
/* For those who print: the cursor goes to the left edge below what is shown, which stays, or to the
 * end of its last row. What they print ends with a newline; sh_draw_again draws below it. */
void sh_draw_below(void);
void sh_draw_to_end(void);
void sh_draw_again(void);
/* The screen is about to be cleared, and the line to be drawn at its top. */
void sh_draw_cleared(void);
/* The window's size, before the first line and where it has changed. */
void sh_draw_window(int rows, int columns);
/* Draws all anew in place: the window is another. */
void sh_draw_anew(void);
/* The input is over: all of it stays, whole and without marks, `behind` behind it, and the cursor
 * goes below. */
void sh_draw_finish(const char *behind);
/* What is suggested behind the cursor now, "" for nothing. Good until the next call. */
const char *sh_draw_suggested(void);

#endif
