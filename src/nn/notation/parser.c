/* Tokens looked at and errors told, for all the rules. */
#include "nn/notation/parser.h"

#include <string.h>

bool nb_parse_at(const nb_parser *p, nb_token_kind kind)
{
    return p->scan.token.kind == kind;
}

bool nb_parse_at_sign(const nb_parser *p, char sign)
{
    return nb_scan_at(&p->scan, sign);
}

bool nb_parse_at_number(const nb_parser *p)
{
    nb_token_kind kind = p->scan.token.kind;
    return kind == NB_TOKEN_SIZE || kind == NB_TOKEN_SHAPE || kind == NB_TOKEN_NUMBER;
}

bool nb_parse_at_negative(const nb_parser *p)
{
    nb_token next = nb_scan_peek(&p->scan);
    return nb_parse_at_sign(p, '-') && !next.spaced && next.length > 0 && next.at[0] >= '0' &&
           next.at[0] <= '9';
}

nb_token nb_parse_negative(const nb_parser *p)
{
    nb_token token = p->scan.token, digits = nb_scan_peek(&p->scan);
    token.length = (size_t)(digits.at - token.at) + digits.length;
    return token;
}

nb_token nb_parse_take(nb_parser *p)
{
    nb_token token = p->scan.token;
    nb_scan_next(&p->scan);
    return token;
}

const char *nb_parse_word(nb_token token, char out[NB_NAME_MAX + 1])
{
    size_t length = token.length < NB_NAME_MAX ? token.length : NB_NAME_MAX;
    memcpy(out, token.at, length);
    out[length] = '\0';
    return out;
}

nb_status nb_parse_expected(nb_parser *p, const char *what)
{
    char quote[NB_QUOTE_MAX];
    nb_token token = p->scan.token;
    return nb_scan_fail(&p->scan, token, "expected %s, not %s", what, nb_scan_quote(token, quote));
}

nb_status nb_parse_marked(nb_parser *p, nb_token token)
{
    nb_ctx *ctx = p->scan.ctx;
    if (ctx->status != NB_EARG) return ctx->status;
    return nb_scan_fail(&p->scan, token, "%s", ctx->message);
}

nb_status nb_parse_no_free(nb_parser *p, nb_token token)
{
    return nb_scan_fail(&p->scan, token,
                        "a layer needs its sizes; '*' is a free size of the input's shape");
}

static nb_status too_small(nb_parser *p, nb_token token, const char *noun)
{
    char quote[NB_QUOTE_MAX];
    return nb_scan_fail(&p->scan, token, "%s must be at least 1, not %s", noun,
                        nb_scan_quote(token, quote));
}

nb_status nb_parse_digits(nb_parser *p, const char *noun, const char *at, int64_t *number,
                          const char **end)
{
    char quote[NB_QUOTE_MAX];
    int64_t value = nb_scan_digits(at, NB_SIZE_MAX, end);
    nb_token digits = {.kind = NB_TOKEN_SIZE, .at = at, .length = (size_t)(*end - at)};
    if (value > NB_SIZE_MAX) {
        return nb_scan_fail(&p->scan, digits, "%s must be at most %lld, not %s", noun,
                            (long long)NB_SIZE_MAX, nb_scan_quote(digits, quote));
    }
    if (value < 1) return too_small(p, digits, noun);
    *number = value;
    return NB_OK;
}

nb_status nb_parse_whole(nb_parser *p, const char *noun, const char *what, int64_t *number)
{
    char quote[NB_QUOTE_MAX];
    const char *end;
    nb_token token = p->scan.token;
    if (nb_parse_at_negative(p)) return too_small(p, nb_parse_negative(p), noun);
    if (!nb_parse_at_number(p)) return nb_parse_expected(p, what);
    if (token.kind != NB_TOKEN_SIZE) {
        return nb_scan_fail(&p->scan, token, "%s must be one whole number, not %s", noun,
                            nb_scan_quote(token, quote));
    }
    nb_status status = nb_parse_digits(p, noun, token.at, number, &end);
    if (status == NB_OK) nb_scan_next(&p->scan);
    return status;
}
