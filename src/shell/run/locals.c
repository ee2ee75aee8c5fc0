/* `local` at the prompt. */
#include "shell/run/locals.h"

#include "shell/run/tokens.h"

#include <string.h>

/* A local statement: where its `local` and the names behind it are. */
typedef struct statement {
    const char *keyword;   /* "local" */
    const char *names_end; /* behind the last name; NULL: `local function` */
    sh_token first;        /* the first name */
    bool is_plain;         /* no attributes, no `_` */
    bool has_value;
} statement;

/* Reads what follows `local` without moving on. */
static statement look_at(sh_scanner scanner, const char *keyword)
{
    statement s = {.keyword = keyword, .is_plain = true};
    sh_token token;
    bool more = sh_scan_next(&scanner, &token);
    if (more && sh_token_is(&token, "function")) {
        s.is_plain = sh_scan_next(&scanner, &s.first) && s.first.kind == SH_NAME;
        return s;
    }
    s.first = token;
    while (more && token.kind == SH_NAME) {
        if (sh_token_is(&token, "_")) s.is_plain = false;
        s.names_end = token.text + token.length;
        more = sh_scan_next(&scanner, &token);
        if (!more || !sh_token_is(&token, ",")) break;
        more = sh_scan_next(&scanner, &token);
    }
    if (!s.names_end || (more && sh_token_is(&token, "<"))) s.is_plain = false;
    s.has_value = more && sh_token_is(&token, "=");
    return s;
}

/* Copies the text from `from` on, up to the end of the statement's names, with spaces for its
 * `local`. */
static const char *copy_statement(nb_text *out, const char *from, const statement *s)
{
    const char *behind = s->keyword + strlen("local");
    nb_text_add_bytes(out, from, (size_t)(s->keyword - from));
    nb_text_add(out, "     ");
    if (!s->names_end || s->has_value) return behind;
    nb_text_add_bytes(out, behind, (size_t)(s->names_end - behind));
    nb_text_add(out, " = nil");
    return s->names_end;
}

void sh_keep_locals(nb_text *out, const char *source, nb_text *name)
{
    sh_scanner scanner = sh_scan(source, strlen(source));
    sh_token token;
    const char *copied = source;
    for (int depth = 0; sh_scan_next(&scanner, &token); depth += sh_token_nests(&token)) {
        if (depth > 0 || !sh_token_is(&token, "local")) continue;
        statement s = look_at(scanner, token.text);
        if (!s.is_plain) continue;
        if (name->length == 0) nb_text_add_bytes(name, s.first.text, s.first.length);
        copied = copy_statement(out, copied, &s);
    }
    nb_text_add_bytes(out, copied, strlen(copied));
}
