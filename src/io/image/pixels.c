/* See pixels.h. */
#include "io/image/pixels.h"

#include <inttypes.h>
#include <string.h>

enum { OPAQUE = 255, LUMA_BITS = 16, RED = 19595, GREEN = 38470, BLUE = 7471 };

_Static_assert(RED + GREEN + BLUE == 1 << LUMA_BITS, "a grey stays what it is");

static bool has_alpha(const nb_image *image)
{
    return image->samples == 2 || image->samples == 4;
}

/* In place; the alphas stay where they are. */
static nb_status lay_over(const nb_image *image, int64_t row, uint8_t *pixels, int background)
{
    int samples = image->samples;
    for (int64_t i = 0; i < image->columns; i++, pixels += samples) {
        int alpha = pixels[samples - 1];
        if (alpha == OPAQUE) continue;
        if (background == NB_NO_BACKGROUND)
            return nb_source_refuse(image->source,
                                    "row %" PRId64 ", column %" PRId64
                                    " is transparent; say what stands behind: background = 0 is "
                                    "black, 1 white",
                                    row + 1, i + 1);
        for (int k = 0; k < samples - 1; k++) {
            int twice = 2 * (alpha * pixels[k] + (OPAQUE - alpha) * background);
            pixels[k] = (uint8_t)((twice + OPAQUE) / (2 * OPAQUE));
        }
    }
    return NB_OK;
}

static void take_one(const nb_image *image, const uint8_t *pixels, int which, uint8_t *out)
{
    if (image->samples == 1)
        memcpy(out, pixels, (size_t)image->columns);
    else
        for (int64_t i = 0; i < image->columns; i++) out[i] = pixels[i * image->samples + which];
}

static void take_luma(const nb_image *image, const uint8_t *pixels, uint8_t *out)
{
    for (int64_t i = 0; i < image->columns; i++, pixels += image->samples) {
        int luma = RED * pixels[0] + GREEN * pixels[1] + BLUE * pixels[2];
        out[i] = (uint8_t)((luma + (1 << (LUMA_BITS - 1))) >> LUMA_BITS);
    }
}

nb_status nb_pixels_split(const nb_image *image, int64_t row, uint8_t *pixels, int channels,
                          int background, uint8_t *out)
{
    bool colours = image->samples > 2;
    nb_status status = has_alpha(image) ? lay_over(image, row, pixels, background) : NB_OK;
    if (status) return status;
    if (colours && channels == 1)
        take_luma(image, pixels, out);
    else
        for (int k = 0; k < channels; k++)
            take_one(image, pixels, colours ? k : 0, out + k * image->columns);
    return NB_OK;
}
