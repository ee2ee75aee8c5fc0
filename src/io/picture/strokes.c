/* Curves and dots on pixels. */
#include "io/picture/strokes.h"

#include "base/context.h"
#include "base/memory.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    FULL = 255,
    POLLED = 1024, /* strokes between two looks whether Ctrl-C was pressed */
    /* Strokes in a row that covered nothing new: what they cross is full. A stroke then waits for a
     * point at a new place, so that a million points are drawn about as quickly as they are read.
     */
    STILL = 250
};

nb_status nb_strokes_open(nb_ctx *ctx, nb_strokes *strokes, int64_t rows, int64_t columns,
                          const uint8_t colour[3])
{
    *strokes = (nb_strokes){.ctx = ctx, .rows = rows, .columns = columns};
    if (rows < 1 || columns < 1 || rows > NB_PICTURE_MOST / columns)
        return nb_fail(ctx, NB_EARG, "a picture has 1 to %d pixels", NB_PICTURE_MOST);
    size_t count = (size_t)(rows * columns);
    strokes->pixels = nb_alloc(ctx, count * 3);
    strokes->share = strokes->pixels ? nb_alloc_zero(ctx, count, 1) : NULL;
    if (!strokes->share) {
        nb_strokes_close(strokes);
        return NB_EMEMORY;
    }
    for (size_t i = 0; i < count; i++) memcpy(strokes->pixels + 3 * i, colour, 3);
    return NB_OK;
}

void nb_strokes_close(nb_strokes *strokes)
{
    size_t count = (size_t)(strokes->rows * strokes->columns);
    if (strokes->pixels) nb_free(strokes->ctx, strokes->pixels, count * 3);
    if (strokes->share) nb_free(strokes->ctx, strokes->share, count);
    strokes->pixels = strokes->share = NULL;
}

/* A straight stroke, from a to b. */
typedef struct stroke {
    double x, y, dx, dy; /* where it begins, and how far it goes */
    double length2;      /* squared */
    double half;         /* of its width */
} stroke;

/* How far a pixel's middle is from the stroke. */
static double distance(const stroke *s, double x, double y)
{
    double ax = x - s->x, ay = y - s->y;
    double t = s->length2 > 0 ? (ax * s->dx + ay * s->dy) / s->length2 : 0;
    t = t < 0 ? 0 : t > 1 ? 1 : t;
    double x_off = ax - t * s->dx, y_off = ay - t * s->dy;
    return sqrt(x_off * x_off + y_off * y_off);
}

/* True: it covers more of the pixel than anything before. */
static bool cover(nb_strokes *to, const stroke *s, int64_t row, int64_t column)
{
    uint8_t *pixel = to->share + row * to->columns + column;
    if (*pixel == FULL) return false;
    double share = s->half + 0.5 - distance(s, (double)column + 0.5, (double)row + 0.5);
    uint8_t level = (uint8_t)((share < 0 ? 0 : share > 1 ? 1 : share) * FULL + 0.5);
    if (level <= *pixel) return false;
    *pixel = level;
    return true;
}

/* The whole numbers from `low` to `high` that lie in 0 … count - 1. */
static void limit(double low, double high, int64_t count, int64_t *first, int64_t *last)
{
    double most = (double)(count - 1);
    *first = low > 0 ? (low < most ? (int64_t)low : count) : 0;
    *last = high < most ? (high < 0 ? -1 : (int64_t)high) : count - 1;
}

/* Line by line of pixels across the way that it goes further; true: it covered anything new. */
static bool draw(nb_strokes *to, const stroke *s)
{
    bool flat = fabs(s->dx) >= fabs(s->dy), any = false;
    double from = flat ? s->x : s->y, by = flat ? s->dx : s->dy;
    double other = flat ? s->y : s->x, slope = by != 0 ? (flat ? s->dy : s->dx) / by : 0;
    double around = s->half + 1, beside = around * hypot(1, slope);
    int64_t first, last, low, high;
    limit(fmin(from, from + by) - around, fmax(from, from + by) + around,
          flat ? to->columns : to->rows, &first, &last);
    for (int64_t i = first; i <= last; i++) {
        double at = other + slope * ((double)i + 0.5 - from);
        limit(at - beside - 0.5, at + beside + 0.5, flat ? to->rows : to->columns, &low, &high);
        for (int64_t k = low; k <= high; k++) any |= flat ? cover(to, s, k, i) : cover(to, s, i, k);
    }
    return any;
}

/* Brings end `a` of a stroke to the border beyond which it lies, along one axis. False: both ends
 * lie beyond it. */
static bool cut(double *a, const double *b, int axis, double low, double high)
{
    if (a[axis] >= low && a[axis] <= high) return true;
    double border = a[axis] < low ? low : high;
    if (a[axis] < low ? b[axis] < low : b[axis] > high) return false;
    a[1 - axis] += (border - a[axis]) / (b[axis] - a[axis]) * (b[1 - axis] - a[1 - axis]);
    a[axis] = border;
    return true;
}

/* The part of a stroke that can be seen; false: none. What is far outside has no place in numbers
 * that tell pixels apart. */
static bool clip(const nb_strokes *to, stroke *s)
{
    double a[2] = {s->x, s->y}, b[2] = {s->x + s->dx, s->y + s->dy}, low = -s->half - 1;
    double right = (double)to->columns - low, below = (double)to->rows - low;
    bool seen = cut(a, b, 0, low, right) && cut(b, a, 0, low, right) && cut(a, b, 1, low, below) &&
                cut(b, a, 1, low, below);
    s->x = a[0];
    s->y = a[1];
    s->dx = b[0] - a[0];
    s->dy = b[1] - a[1];
    s->length2 = s->dx * s->dx + s->dy * s->dy;
    return seen && isfinite(s->length2);
}

static stroke between(const double *a, const double *b, double width)
{
    stroke s = {.x = a[0], .y = a[1], .dx = b[0] - a[0], .dy = b[1] - a[1], .half = width / 2};
    return s;
}

static bool is_place(const double *point)
{
    return isfinite(point[0]) && isfinite(point[1]);
}

/* Whether the pixel of a point is full already; what lies outside is never. */
static bool is_full(const nb_strokes *strokes, const double *point)
{
    if (!(point[0] >= 0 && point[0] < (double)strokes->columns && point[1] >= 0 &&
          point[1] < (double)strokes->rows))
        return false;
    return strokes->share[(int64_t)point[1] * strokes->columns + (int64_t)point[0]] == FULL;
}

nb_status nb_strokes_path(nb_strokes *strokes, const double *points, size_t count, double width)
{
    nb_status status = NB_OK;
    int still = 0;
    for (size_t i = 0; i < count && !status; i++) {
        const double *point = points + 2 * i;
        bool joined = i > 0 && is_place(point - 2);
        if (i % POLLED == 0) status = nb_poll(strokes->ctx);
        if (!is_place(point) || (still >= STILL && is_full(strokes, point))) continue;
        stroke s = between(joined ? point - 2 : point, point, width);
        still = clip(strokes, &s) && draw(strokes, &s) ? 0 : still + 1;
    }
    return status;
}

nb_status nb_strokes_dots(nb_strokes *strokes, const double *points, size_t count, double width)
{
    nb_status status = NB_OK;
    for (size_t i = 0; i < count && !status; i++) {
        const double *point = points + 2 * i;
        if (i % POLLED == 0) status = nb_poll(strokes->ctx);
        stroke s = between(point, point, width);
        if (is_place(point) && clip(strokes, &s)) draw(strokes, &s);
    }
    return status;
}

void nb_strokes_end(nb_strokes *strokes, const uint8_t colour[3])
{
    int64_t count = strokes->rows * strokes->columns;
    for (int64_t i = 0; i < count; i++) {
        int share = strokes->share[i];
        uint8_t *pixel = strokes->pixels + 3 * i;
        for (int k = 0; k < 3 && share > 0; k++)
            pixel[k] = (uint8_t)((pixel[k] * (FULL - share) + colour[k] * share + FULL / 2) / FULL);
        strokes->share[i] = 0;
    }
}
