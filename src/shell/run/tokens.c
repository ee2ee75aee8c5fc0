/* Scanning Lua's tokens in text that may be unfinished. */
#include "shell/run/tokens.h"

#include <ctype.h>
#include <string.h>

static const char *const keywords[] = {"and",   "break", "do",       "else",  "elseif", "end",
                                       "false", "for",   "function", "goto",  "if",     "in",
                                       "local", "nil",   "not",      "or",    "repeat", "return",
                                       "then",  "true",  "until",    "while", NULL};

/* Longest first, so that the first that fits is the token. */
static const char *const symbols[] = {
    "...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>", NULL};

sh_scanner sh_scan(const char *text, size_t length)
{
    return (sh_scanner){.next = text, .end = text + length};
}

static bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool continues_name(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* The level of the long bracket that opens at `p` ("[[" is 0, "[==[" is 2), -1 when none does. */
static int long_level(const char *p, const char *end)
{
    const char *q = p + 1;
    if (p >= end || *p != '[') return -1;
    while (q < end && *q == '=') q++;
    return q < end && *q == '[' ? (int)(q - p - 1) : -1;
}

/* Behind the long bracket's end, or NULL when the text ends first. */
static const char *skip_long(const char *p, const char *end, int level)
{
    for (p += level + 2; p < end; p++) {
        if (*p != ']') continue;
        const char *q = p + 1;
        while (q < end && *q == '=') q++;
        if (q < end && *q == ']' && q - p - 1 == level) return q + 1;
    }
    return NULL;
}

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && isspace((unsigned char)*p)) p++;
    return p;
}

/* Behind the comment that begins at `p`, NULL when the text ends in a long one. */
static const char *skip_comment(const char *p, const char *end)
{
    int level = long_level(p + 2, end);
    if (level >= 0) return skip_long(p + 2, end, level);
    while (p < end && *p != '\n') p++;
    return p;
}

/* Behind a quoted string; a newline without a backslash ends it, open. */
static const char *skip_quoted(const char *p, const char *end, bool *open)
{
    char quote = *p++;
    for (; p < end && *p != '\n'; p++) {
        if (*p == quote) return p + 1;
        if (*p != '\\' || p + 1 >= end) continue;
        if (*++p == 'z') p = skip_space(p + 1, end) - 1;
    }
    *open = true;
    return p < end ? p : end;
}

static const char *skip_number(const char *p, const char *end)
{
    bool hex = end - p > 1 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
    for (; p < end && (continues_name(*p) || *p == '.'); p++) {
        bool exponent = hex ? *p == 'p' || *p == 'P' : *p == 'e' || *p == 'E';
        if (exponent && p + 1 < end && (p[1] == '+' || p[1] == '-')) p++;
    }
    return p;
}

static bool is_keyword(const char *text, size_t length)
{
    for (size_t i = 0; keywords[i]; i++)
        if (strlen(keywords[i]) == length && memcmp(keywords[i], text, length) == 0) return true;
    return false;
}

static const char *take_name(sh_token *token, const char *end)
{
    const char *p = token->text;
    while (p < end && continues_name(*p)) p++;
    token->kind = is_keyword(token->text, (size_t)(p - token->text)) ? SH_KEYWORD : SH_NAME;
    return p;
}

static const char *take_symbol(sh_token *token, const char *end)
{
    const char *p = token->text;
    token->kind = strchr("+-*/%^#&~|<>=(){}[];:,.", *p) && *p ? SH_SYMBOL : SH_STRANGE;
    for (size_t i = 0; symbols[i]; i++) {
        size_t length = strlen(symbols[i]);
        if ((size_t)(end - p) >= length && memcmp(p, symbols[i], length) == 0) return p + length;
    }
    return p + 1;
}

static const char *take_long_string(sh_token *token, const char *end, int level)
{
    const char *behind = skip_long(token->text, end, level);
    token->kind = SH_STRING;
    token->open = !behind;
    return behind ? behind : end;
}

static const char *take_token(sh_token *token, const char *end)
{
    const char *p = token->text;
    int level = long_level(p, end);
    if (starts_name(*p)) return take_name(token, end);
    if (level >= 0) return take_long_string(token, end, level);
    if (*p == '"' || *p == '\'') {
        token->kind = SH_STRING;
        return skip_quoted(p, end, &token->open);
    }
    if (isdigit((unsigned char)*p) || (*p == '.' && end - p > 1 && isdigit((unsigned char)p[1]))) {
        token->kind = SH_NUMBER;
        return skip_number(p, end);
    }
    return take_symbol(token, end);
}

bool sh_scan_next(sh_scanner *scanner, sh_token *token)
{
    const char *p = skip_space(scanner->next, scanner->end), *end = scanner->end;
    *token = (sh_token){.kind = SH_COMMENT};
    while (end - p >= 2 && p[0] == '-' && p[1] == '-' && !token->text) {
        const char *behind = skip_comment(p, end);
        token->open = !behind;
        if (token->open || scanner->comments) token->text = p;
        scanner->next = behind ? behind : end;
        if (!token->text) p = skip_space(behind, end);
    }
    if (!token->text) {
        token->text = scanner->next = p;
        if (p >= end) return false;
        scanner->next = take_token(token, end);
    }
    token->length = (size_t)(scanner->next - token->text);
    return true;
}

bool sh_token_is(const sh_token *token, const char *text)
{
    return token->kind != SH_STRING && strlen(text) == token->length &&
           memcmp(token->text, text, token->length) == 0;
}

int sh_token_nests(const sh_token *token)
{
    static const char *const openers[] = {"do", "then", "function", "repeat", "(", "{", "[", NULL};
    static const char *const closers[] = {"end", "until", "elseif", ")", "}", "]", NULL};
    if (token->kind != SH_KEYWORD && token->kind != SH_SYMBOL) return 0;
    for (size_t i = 0; openers[i]; i++)
        if (sh_token_is(token, openers[i])) return 1;
    for (size_t i = 0; closers[i]; i++)
        if (sh_token_is(token, closers[i])) return -1;
    return 0;
}

bool sh_ends_silent(const char *text)
{
    sh_scanner scanner = sh_scan(text, strlen(text));
    sh_token token, last = {.kind = SH_COMMENT};
    while (sh_scan_next(&scanner, &token)) last = token;
    return last.kind == SH_SYMBOL && sh_token_is(&last, ";");
}

bool sh_is_blank(const char *text)
{
    sh_scanner scanner = sh_scan(text, strlen(text));
    sh_token token;
    return !sh_scan_next(&scanner, &token);
}

const char *sh_keyword(size_t i)
{
    return i < sizeof keywords / sizeof *keywords ? keywords[i] : NULL;
}
