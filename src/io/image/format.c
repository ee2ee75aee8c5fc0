/* See format.h. */
#include "io/image/format.h"

#include <inttypes.h>

nb_status nb_image_check(const nb_image *image, uint64_t least, uint64_t most)
{
    if (image->rows < 1 || image->columns < 1)
        return nb_source_refuse(image->source, "has no pixel: its size is %" PRId64 "x%" PRId64,
                                image->rows, image->columns);
    if (image->rows > NB_IMAGE_MOST || image->columns > NB_IMAGE_MOST)
        return nb_source_refuse(image->source,
                                "is %" PRId64 "x%" PRId64 "; an image has at most %d rows and as "
                                "many columns",
                                image->rows, image->columns, NB_IMAGE_MOST);
    if (least <= most) return NB_OK;
    return nb_source_refuse(image->source,
                            "its header promises %" PRId64 "x%" PRId64
                            " pixels, which take %" PRIu64 " bytes and more; at most %" PRIu64
                            " can follow",
                            image->rows, image->columns, least, most);
}
