/* Styles as the test of the display has them: each has a look of its own. */
#ifndef TESTS_SHELL_STYLES_H
#define TESTS_SHELL_STYLES_H

#include "screen.h"

/* How a cell looks behind what sh_style_code says, the test's own: it takes the place of the
 * palette's. */
screen_cell styles_look(unsigned char style, bool colour);

#endif
