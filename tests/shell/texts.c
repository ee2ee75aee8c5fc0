/* See texts.h. */
#include "texts.h"

#include <string.h>

const model_piece texts_newline = {MODEL_NEWLINE, "\n", 1, {0, 0}};

static const model_piece pieces[TEXTS_PIECES] = {
    {MODEL_LETTERS, "a", 1, {'a'}},
    {MODEL_LETTERS, "b", 1, {'b'}},
    {MODEL_LETTERS, "x", 1, {'x'}},
    {MODEL_LETTERS, "=", 1, {'='}},
    {MODEL_LETTERS, "1", 1, {'1'}},
    {MODEL_LETTERS, "(", 1, {'('}},
    {MODEL_LETTERS, "~", 1, {'~'}},
    {MODEL_LETTERS, " ", 1, {' '}},
    {MODEL_LETTERS, " ", 1, {' '}},
    {MODEL_LETTERS, "\"", 1, {'"'}},
    {MODEL_LETTERS, "\001", 1, {'^', 'A'}},
    {MODEL_LETTERS, "\033", 1, {'^', '['}},
    {MODEL_LETTERS, "\r", 1, {'^', 'M'}},
    {MODEL_LETTERS, "\177", 1, {'^', '?'}},
    {MODEL_LETTERS, "", 1, {'^', '@'}},
    {MODEL_TAB, "\t", 1, {0, 0}},
    {MODEL_TAB, "\t", 1, {0, 0}},
    {MODEL_LETTERS, "é", 2, {0xE9}},
    {MODEL_LETTERS, "∇", 3, {0x2207}},
    {MODEL_LETTERS, "σ", 2, {0x3C3}},
    {MODEL_LETTERS, "\U0001D6FF", 4, {0x1D6FF}},
    {MODEL_LETTERS, "\xc2\x85", 2, {0xFFFD}},
    {MODEL_LETTERS, "\u2028", 3, {0xFFFD}},
    {MODEL_WIDE, "漢", 3, {0x6F22}},
    {MODEL_WIDE, "字", 3, {0x5B57}},
    {MODEL_WIDE, "😀", 4, {0x1F600}},
    {MODEL_MARK, "\u0301", 2, {0x301}},
    {MODEL_MARK, "\u0323", 2, {0x323}},
    {MODEL_MARK, "\u200D", 3, {0x200D}},
    {MODEL_BAD, "\xff", 1, {0}},
    {MODEL_BAD, "\xfe\x80", 2, {0}},
    {MODEL_BAD, "\xe2\x88", 2, {0}},
    {MODEL_BAD, "\xf0\x9f\x98", 3, {0}},
    {MODEL_BAD, "\xc3", 1, {0}},
    {MODEL_BAD, "\xed\xa0\x80", 3, {0}},
};

const model_piece *texts_piece(int number, bool utf8)
{
    static model_piece replaced[TEXTS_PIECES];
    const model_piece *piece = &pieces[number];
    if (utf8 || (unsigned char)piece->bytes[0] < 0x80) return piece;
    replaced[number] = *piece;
    replaced[number].kind = MODEL_BAD;
    return &replaced[number];
}

void texts_insert(model_text *text, int at, const model_piece *piece, unsigned char style)
{
    if (text->count == MODEL_PIECES) return;
    memmove(text->item + at + 1, text->item + at, (size_t)(text->count - at) * sizeof *text->item);
    text->item[at] = (model_item){piece, style};
    text->count++;
}

void texts_take_out(model_text *text, int at, int count)
{
    if (count > text->count - at) count = text->count - at;
    memmove(text->item + at, text->item + at + count,
            (size_t)(text->count - at - count) * sizeof *text->item);
    text->count -= count;
}

/* Those that prompts have, and no text. */
static const model_piece others[] = {
    {MODEL_LETTERS, "·", 2, {0xB7}},
    {MODEL_LETTERS, "n", 1, {'n'}},
    {MODEL_LETTERS, ">", 1, {'>'}},
};

static const model_piece *find(const model_piece *list, size_t count, const char *bytes)
{
    for (size_t i = 0; i < count; i++) {
        bool long_enough = list[i].length > 0 && list[i].bytes[0];
        if (long_enough && strncmp(bytes, list[i].bytes, (size_t)list[i].length) == 0)
            return &list[i];
    }
    return NULL;
}

void texts_set(model_text *text, const char *bytes, unsigned char style)
{
    text->count = 0;
    while (*bytes) {
        const model_piece *piece = find(pieces, TEXTS_PIECES, bytes);
        if (!piece) piece = find(others, sizeof others / sizeof *others, bytes);
        if (!piece) return;
        texts_insert(text, text->count, piece, style);
        bytes += piece->length;
    }
}

int texts_write(const model_text *text, char *to, int *cursor)
{
    int length = 0;
    for (int i = 0; i <= text->count; i++) {
        if (text->cursor == i && cursor) *cursor = length;
        if (i == text->count) break;
        memcpy(to + length, text->item[i].piece->bytes, (size_t)text->item[i].piece->length);
        length += text->item[i].piece->length;
    }
    to[length] = '\0';
    return length;
}
