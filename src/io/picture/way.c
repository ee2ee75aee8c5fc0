/* The table of ways, and what comes before any of them. */
#include "io/picture/way.h"

#include "base/memory.h"

#include <inttypes.h>
#include <string.h>

const nb_picture_way nb_way_blocks = {.name = "blocks", .mend = "", .uncover = ""};

const nb_picture_way *const nb_picture_ways[] = {&nb_way_kitty, &nb_way_sixel, &nb_way_blocks,
                                                 NULL};

const nb_picture_way *nb_picture_way_find(const char *name)
{
    for (const nb_picture_way *const *way = nb_picture_ways; *way; way++)
        if (strcmp((*way)->name, name) == 0) return *way;
    return NULL;
}

static bool is_side(int64_t size)
{
    return size >= 1 && size <= NB_PICTURE_SIDE;
}

static nb_status check(nb_ctx *ctx, const nb_picture *picture, int64_t rows, int64_t columns)
{
    bool fits = is_side(picture->rows) && is_side(picture->columns) &&
                picture->rows * picture->columns <= NB_PICTURE_MOST;
    if (!fits)
        return nb_fail(
            ctx, NB_EARG,
            "a picture has 1 to %d rows and columns of pixels and at most %d altogether, "
            "not %" PRId64 " x %" PRId64,
            NB_PICTURE_SIDE, NB_PICTURE_MOST, picture->rows, picture->columns);
    if (rows >= 1 && columns >= 1) return NB_OK;
    return nb_fail(ctx, NB_EARG, "a picture needs a pixel");
}

/* Pixel i of n stands for part i * parts / n: whole pixels, and as even as that goes. */
static void enlarge(uint8_t *to, const nb_picture *picture, const uint8_t *from, int64_t rows,
                    int64_t columns)
{
    size_t bytes = (size_t)picture->columns * 3;
    int64_t last = -1;
    for (int64_t i = 0; i < picture->rows; i++, to += bytes) {
        int64_t row = i * rows / picture->rows;
        const uint8_t *line = from + row * columns * 3;
        if (row == last) {
            memcpy(to, to - bytes, bytes);
            continue;
        }
        for (int64_t j = 0; j < picture->columns; j++)
            memcpy(to + 3 * j, line + j * columns / picture->columns * 3, 3);
        last = row;
    }
}

nb_status nb_picture_write(nb_ctx *ctx, const nb_picture_way *way, const nb_picture *picture,
                           const uint8_t *pixels, int64_t rows, int64_t columns, nb_text *to)
{
    nb_picture whole = *picture;
    nb_status status = check(ctx, picture, rows, columns);
    if (status) return status;
    size_t bytes = (size_t)(whole.rows * whole.columns) * 3;
    uint8_t *enlarged = nb_alloc(ctx, bytes);
    if (!enlarged) return NB_EMEMORY;
    enlarge(enlarged, &whole, pixels, rows, columns);
    whole.pixels = enlarged;
    status = way->write(&whole, to);
    nb_free(ctx, enlarged, bytes);
    return status ? status : to->failed ? NB_EMEMORY : NB_OK;
}
