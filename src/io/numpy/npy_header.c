/* Reading the header: one pass, no nesting, nothing allocated. Python's escapes have no place in
 * it; a number may end in L, as Python 2 wrote it. */
#include "io/numpy/npy_header.h"

#include <string.h>

typedef struct parser {
    nb_ctx *ctx;
    const char *file;
    const char *text;
    size_t length, at;
} parser;

static bool at_end(const parser *p)
{
    return p->at == p->length;
}

static nb_status unexpected(const parser *p, const char *expected)
{
    if (at_end(p)) {
        return nb_fail(p->ctx, NB_EFORMAT, "%s: byte %zu of its header: expected %s, not the end",
                       p->file, p->at + 1, expected);
    }
    unsigned char c = (unsigned char)p->text[p->at];
    if (c <= ' ' || c >= 0x7f) {
        return nb_fail(p->ctx, NB_EFORMAT,
                       "%s: byte %zu of its header: expected %s, not the byte %02x", p->file,
                       p->at + 1, expected, c);
    }
    return nb_fail(p->ctx, NB_EFORMAT, "%s: byte %zu of its header: expected %s, not '%c'", p->file,
                   p->at + 1, expected, c);
}

static void skip_blanks(parser *p)
{
    while (!at_end(p) && strchr(" \t\r\n", p->text[p->at]) && p->text[p->at]) p->at++;
}

/* Takes the character where it comes next, behind blanks. */
static bool take(parser *p, char c)
{
    skip_blanks(p);
    if (at_end(p) || p->text[p->at] != c) return false;
    p->at++;
    return true;
}

static bool take_word(parser *p, const char *word)
{
    size_t n = strlen(word);
    skip_blanks(p);
    if (p->length - p->at < n || memcmp(p->text + p->at, word, n) != 0) return false;
    p->at += n;
    return true;
}

/* A string in either quotes, of printable characters; what does not fit is left out. */
static nb_status read_string(parser *p, const char *what, char out[NB_DESCR_MAX])
{
    size_t n = 0;
    char quote = '\'';
    if (!take(p, quote) && !take(p, quote = '"')) return unexpected(p, what);
    for (; !at_end(p) && p->text[p->at] != quote; p->at++) {
        char c = p->text[p->at];
        if (c < ' ' || c > '~' || c == '\\') return unexpected(p, "a plain character");
        if (n < NB_DESCR_MAX - 1) out[n++] = c;
    }
    out[n] = '\0';
    return take(p, quote) ? NB_OK : unexpected(p, "the end of a string");
}

/* A list of fields is not read further: no tensor can be made of it. */
static nb_status read_descr(parser *p, nb_npy_header *header)
{
    skip_blanks(p);
    header->records = !at_end(p) && (p->text[p->at] == '[' || p->text[p->at] == '(');
    return header->records ? NB_OK : read_string(p, "a string", header->descr);
}

static nb_status read_order(parser *p, nb_npy_header *header)
{
    header->column_major = take_word(p, "True");
    if (header->column_major || take_word(p, "False")) return NB_OK;
    return unexpected(p, "True or False");
}

static bool is_digit(const parser *p)
{
    return !at_end(p) && p->text[p->at] >= '0' && p->text[p->at] <= '9';
}

static nb_status read_size(parser *p, nb_npy_header *header)
{
    int64_t size = 0;
    skip_blanks(p);
    if (!is_digit(p)) return unexpected(p, "a size");
    if (header->dims == NB_MAX_DIMS) {
        return nb_fail(p->ctx, NB_EFORMAT, "%s has more than %d dimensions", p->file, NB_MAX_DIMS);
    }
    for (; is_digit(p); p->at++) {
        int digit = p->text[p->at] - '0';
        size = size > (INT64_MAX - digit) / 10 ? INT64_MAX : size * 10 + digit;
    }
    if (!at_end(p) && p->text[p->at] == 'L') p->at++;
    header->shape[header->dims++] = size;
    return NB_OK;
}

/* A tuple: its only size has a comma behind it, others may. */
static nb_status read_shape(parser *p, nb_npy_header *header)
{
    bool comma = true;
    if (!take(p, '(')) return unexpected(p, "a tuple of sizes");
    while (!take(p, ')')) {
        if (!comma) return unexpected(p, "',' or ')'");
        nb_status status = read_size(p, header);
        if (status) return status;
        comma = take(p, ',');
        if (header->dims == 1 && !comma) return unexpected(p, "','");
    }
    return NB_OK;
}

typedef nb_status read_fn(parser *p, nb_npy_header *header);

static const struct field {
    const char *key;
    read_fn *read;
} fields[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};

enum { FIELDS = sizeof fields / sizeof *fields };

static nb_status read_field(parser *p, nb_npy_header *header, bool seen[FIELDS])
{
    char key[NB_DESCR_MAX];
    nb_status status = read_string(p, "a key", key);
    if (!status && !take(p, ':')) status = unexpected(p, "':'");
    if (status) return status;
    int i = 0;
    while (i < FIELDS && strcmp(fields[i].key, key) != 0) i++;
    if (i == FIELDS || seen[i]) {
        return nb_fail(p->ctx, NB_EFORMAT, "%s: its header has %s key '%s'", p->file,
                       i == FIELDS ? "the unknown" : "twice the", key);
    }
    seen[i] = true;
    return fields[i].read(p, header);
}

static nb_status read_fields(parser *p, nb_npy_header *header, bool seen[FIELDS])
{
    bool comma = true;
    if (!take(p, '{')) return unexpected(p, "'{'");
    while (!take(p, '}')) {
        if (!comma) return unexpected(p, "',' or '}'");
        nb_status status = read_field(p, header, seen);
        if (status || header->records) return status;
        comma = take(p, ',');
    }
    skip_blanks(p);
    return at_end(p) ? NB_OK : unexpected(p, "nothing but blanks");
}

nb_status nb_npy_parse(nb_ctx *ctx, const char *file, const char *text, size_t bytes,
                       nb_npy_header *header)
{
    bool seen[FIELDS] = {false};
    parser p = {.ctx = ctx, .file = file, .text = text, .length = bytes};
    *header = (nb_npy_header){.dims = 0};
    nb_status status = read_fields(&p, header, seen);
    for (int i = 0; !status && !header->records && i < FIELDS; i++) {
        if (seen[i]) continue;
        status = nb_fail(ctx, NB_EFORMAT, "%s: its header has no '%s'", file, fields[i].key);
    }
    return status;
}
