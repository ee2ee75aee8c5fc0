/* What would go on behind an input. */
#include "shell/line/suggest.h"

const char *sh_suggest(sh_shell *shell, const char *text, size_t length)
{
    (void)shell;
    (void)text;
    (void)length;
    return "";
}
