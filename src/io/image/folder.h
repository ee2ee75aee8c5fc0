/* Where images lie: a folder for each class, with files in it. Or in folders train, valid and test,
 * each with folders for classes, of which train knows all. */
#ifndef NB_IMAGE_FOLDER_H
#define NB_IMAGE_FOLDER_H

#include "base/names.h"

enum { NB_IMAGE_TRAIN, NB_IMAGE_VALID, NB_IMAGE_TEST, NB_IMAGE_PARTS };

/* Files of one class in one part. */
typedef struct nb_image_group {
    int part;
    int32_t class; /* from 1 */
    int64_t count;
} nb_image_group;

typedef struct nb_image_folder {
    nb_ctx *ctx;
    bool parted;       /* there are parts; else all is NB_IMAGE_TRAIN */
    nb_names *classes; /* in order of their bytes; of their values where all are whole numbers */
    nb_text paths;     /* of all files, group by group, a NUL after each */
    int64_t count;     /* of files */
    int64_t part_count[NB_IMAGE_PARTS];
    nb_image_group *group; /* parts in order, in each the classes in order */
    size_t groups, room;
} nb_image_folder;

/* Lists the folder. Names that begin with a point are passed over, Thumbs.db and desktop.ini too,
 * and files that lie beside folders of classes. Files of a class are in order of their names'
 * bytes. A folder "train" is a part where there is a folder in it, else a class; valid may be
 * called val or validation. NB_EIO, NB_EARG: no class, a class without a file, one that train does
 * not have, a folder beside train that is no part. To be freed also on failure. */
nb_status nb_image_folder_list(nb_ctx *ctx, const char *path, nb_image_folder *folder);
void nb_image_folder_free(nb_image_folder *folder);

/* Whether there is a folder of that name. */
bool nb_is_folder(const char *path);

#endif
