/* Inputs as Lua takes them. */
#include "shell/run/plain.h"

#include "shell/run/compile.h"
#include "shell/run/source.h"
#include "shell/run/tokens.h"

#include <string.h>

static const char arrow[] = "→";

/* ---- One text ---- */

static const char *without_sign(const char *input)
{
    const char *sign = input + strspn(input, " \t");
    return *sign == '=' && sign[1] != '=' ? sign + 1 + strspn(sign + 1, " \t") : input;
}

void sh_plain_input(nb_text *input)
{
    nb_text plain;
    const char *copied = without_sign(nb_text_get(input));
    sh_scanner scanner = sh_scan(copied, strlen(copied));
    sh_token token;
    nb_text_init(&plain, input->ctx);
    while (sh_scan_next(&scanner, &token)) {
        if (token.kind != SH_STRANGE || strncmp(token.text, arrow, sizeof arrow - 1) != 0) continue;
        nb_text_add_bytes(&plain, copied, (size_t)(token.text - copied));
        nb_text_add(&plain, "--");
        copied = token.text;
        scanner.next = token.text + strcspn(token.text, "\n");
    }
    nb_text_add_bytes(&plain, copied, strlen(copied));
    plain.failed |= input->failed;
    nb_text_free(input);
    *input = plain;
}

/* ---- Pieces ---- */

/* Behind the first lines that are whole; NULL where none are. A piece that begins here is on the
 * stack as text. */
static const char *behind_piece(lua_State *L, const char *from)
{
    for (const char *end = from; *end;) {
        end += strcspn(end, "\n");
        end += *end == '\n';
        lua_pushlstring(L, from, (size_t)(end - from));
        sh_compiled outcome = sh_compile(L, lua_tostring(L, -1), SH_OTHER_CHUNK, NULL);
        lua_pop(L, outcome == SH_UNFINISHED ? 1 : 2);
        if (outcome == SH_WHOLE) return end;
        if (outcome == SH_WRONG) return NULL;
    }
    return NULL;
}

bool sh_has_pieces(lua_State *L, const char *input)
{
    if (!strchr(input, '\n')) return false;
    sh_compiled outcome = sh_compile(L, input, SH_OTHER_CHUNK, NULL);
    if (outcome != SH_UNFINISHED) lua_pop(L, 1);
    if (outcome != SH_WRONG) return false;
    while (input && *input && !sh_is_blank(input)) input = behind_piece(L, input);
    return input;
}
