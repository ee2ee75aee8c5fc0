/* See folder.h. */
#include "io/image/folder.h"

#include "base/context.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const struct part {
    const char *name;
    int part;
} part_names[] = {
    {"train", NB_IMAGE_TRAIN},      {"valid", NB_IMAGE_VALID}, {"val", NB_IMAGE_VALID},
    {"validation", NB_IMAGE_VALID}, {"test", NB_IMAGE_TEST},
};

/* ---- What is in a folder ---- */

bool nb_is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool is_passed_over(const char *name)
{
    return *name == '.' || strcmp(name, "Thumbs.db") == 0 || strcmp(name, "desktop.ini") == 0;
}

static bool is_number(const char *name)
{
    return *name && !name[strspn(name, "0123456789")];
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of digits alone, however many; 7 before 007. */
static int by_value(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    const char *m = x + strspn(x, "0"), *n = y + strspn(y, "0");
    size_t length = strlen(m), other = strlen(n);
    if (length != other) return length < other ? -1 : 1;
    int order = strcmp(m, n);
    if (order) return order;
    return strlen(x) < strlen(y) ? -1 : strlen(x) > strlen(y);
}

static void sort(nb_names *names, int (*order)(const void *, const void *))
{
    qsort(names->name, (size_t)names->count, sizeof *names->name, order);
}

/* "FOLDER/NAME", to be freed with nb_free_string; NULL with NB_EMEMORY. */
static char *join(nb_ctx *ctx, const char *folder, const char *name)
{
    size_t length = strlen(folder);
    nb_text path;
    nb_text_init(&path, ctx);
    nb_text_add(&path, "%s%s%s", folder, length && folder[length - 1] == '/' ? "" : "/", name);
    char *copy = path.failed ? NULL : nb_copy_string(ctx, nb_text_get(&path));
    nb_text_free(&path);
    return copy;
}

/* Adds a name where it is to be seen; with `folders` only one of a folder. */
static nb_status add_name(nb_text *packed, const char *path, const char *name, bool folders,
                          int64_t *count)
{
    if (is_passed_over(name)) return NB_OK;
    char *full = folders ? join(packed->ctx, path, name) : NULL;
    if (folders && !full) return NB_EMEMORY;
    if (!folders || nb_is_folder(full)) {
        nb_text_add_bytes(packed, name, strlen(name) + 1);
        ++*count;
    }
    nb_free_string(packed->ctx, full);
    return packed->failed ? NB_EMEMORY : NB_OK;
}

static nb_status read_names(nb_text *packed, DIR *dir, const char *path, bool folders,
                            int64_t *count)
{
    nb_status status = NB_OK;
    errno = 0;
    for (struct dirent *entry; !status && (entry = readdir(dir)); errno = 0) {
        status = nb_poll(packed->ctx);
        if (!status) status = add_name(packed, path, entry->d_name, folders, count);
    }
    if (status || !errno) return status;
    return nb_fail(packed->ctx, NB_EIO, "cannot read %s: %s", path, strerror(errno));
}

/* Names in order of their bytes. */
static nb_names *list(nb_ctx *ctx, const char *path, bool folders)
{
    DIR *dir = opendir(path);
    if (!dir) return nb_fail_null(ctx, NB_EIO, "cannot open %s: %s", path, strerror(errno));
    nb_names *names = NULL;
    nb_text packed;
    int64_t count = 0;
    nb_text_init(&packed, ctx);
    if (read_names(&packed, dir, path, folders, &count) == NB_OK)
        names = nb_names_new(ctx, &packed, count);
    if (names) sort(names, by_bytes);
    nb_text_free(&packed);
    closedir(dir);
    return names;
}

/* ---- Files ---- */

static nb_status add_group(nb_image_folder *f, nb_image_group group)
{
    if (f->groups == f->room) {
        size_t room = f->room ? 2 * f->room : 16;
        nb_image_group *more =
            nb_resize(f->ctx, f->group, f->room * sizeof *more, room * sizeof *more);
        if (!more) return NB_EMEMORY;
        f->group = more;
        f->room = room;
    }
    f->group[f->groups++] = group;
    f->part_count[group.part] += group.count;
    f->count += group.count;
    return NB_OK;
}

static nb_status add_files(nb_image_folder *f, const char *path, int part, int32_t class)
{
    nb_names *names = list(f->ctx, path, false);
    if (!names) return f->ctx->status;
    nb_status status =
        names->count
            ? NB_OK
            : nb_fail(f->ctx, NB_EARG, "%s holds no file; a class has one image or more", path);
    for (int64_t i = 0; i < names->count; i++) {
        nb_text_add_bytes(&f->paths, path, strlen(path));
        nb_text_add_bytes(&f->paths, "/", 1);
        nb_text_add_bytes(&f->paths, names->name[i], strlen(names->name[i]) + 1);
    }
    if (f->paths.failed) status = NB_EMEMORY;
    if (!status) status = add_group(f, (nb_image_group){part, class, names->count});
    nb_names_release(f->ctx, names);
    return status;
}

/* ---- Classes ---- */

static bool all_numbers(const nb_names *names)
{
    for (int64_t i = 0; i < names->count; i++)
        if (!is_number(names->name[i])) return false;
    return true;
}

static nb_names *list_classes(nb_ctx *ctx, const char *path)
{
    nb_names *names = list(ctx, path, true);
    if (names && names->count == 0) {
        nb_fail(ctx, NB_EARG, "%s holds no folder; images lie in a folder for each class", path);
        nb_names_release(ctx, names);
        return NULL;
    }
    if (names && all_numbers(names)) sort(names, by_value);
    return names;
}

/* The class's number from 0. The search goes on from *class, behind the last one that was found:
 * the part's names are most likely in the order of all classes. */
static nb_status find_class(const nb_image_folder *f, const char *path, const char *name,
                            int32_t *class)
{
    const nb_names *all = f->classes;
    for (int64_t i = 0; i < all->count; i++, ++*class) {
        if (*class >= all->count) *class = 0;
        if (strcmp(all->name[*class], name) == 0) return NB_OK;
    }
    return nb_fail(f->ctx, NB_EARG,
                   "%s has the class %s, which train does not have: nothing could learn it", path,
                   name);
}

/* All files of a part, where all classes are known. */
static nb_status add_part(nb_image_folder *f, const char *path, int part, const nb_names *names)
{
    nb_status status = NB_OK;
    int32_t class = 0;
    for (int64_t i = 0; !status && i < names->count; i++) {
        status = find_class(f, path, names->name[i], &class);
        char *full = status ? NULL : join(f->ctx, path, names->name[i]);
        if (!status) status = full ? add_files(f, full, part, ++class) : NB_EMEMORY;
        nb_free_string(f->ctx, full);
    }
    return status;
}

static nb_status add_folder(nb_image_folder *f, const char *path, int part)
{
    nb_names *names = list_classes(f->ctx, path);
    if (!names) return f->ctx->status;
    if (!f->classes) f->classes = nb_names_retain(names);
    nb_status status = add_part(f, path, part, names);
    nb_names_release(f->ctx, names);
    return status;
}

/* ---- Parts ---- */

/* Which part a name means; -1: none. */
static int part_of(const char *name)
{
    for (size_t i = 0; i < sizeof part_names / sizeof *part_names; i++)
        if (strcmp(part_names[i].name, name) == 0) return part_names[i].part;
    return -1;
}

/* Where the folders of the parts stand in `names`; NULL: there is none. */
static nb_status find_parts(nb_ctx *ctx, const char *path, const nb_names *names,
                            const char *where[NB_IMAGE_PARTS])
{
    for (int64_t i = 0; i < names->count; i++) {
        int part = part_of(names->name[i]);
        if (part < 0)
            return nb_fail(ctx, NB_EARG,
                           "%s has the folders train and %s; beside train there may be valid and "
                           "test",
                           path, names->name[i]);
        if (where[part])
            return nb_fail(ctx, NB_EARG, "%s has the folders %s and %s, which mean the same", path,
                           where[part], names->name[i]);
        where[part] = names->name[i];
    }
    return NB_OK;
}

static nb_status add_parts(nb_image_folder *f, const char *path, const nb_names *names)
{
    const char *where[NB_IMAGE_PARTS] = {NULL};
    nb_status status = find_parts(f->ctx, path, names, where);
    f->parted = true;
    for (int part = 0; part < NB_IMAGE_PARTS && !status; part++) {
        if (!where[part]) continue;
        char *full = join(f->ctx, path, where[part]);
        status = full ? add_folder(f, full, part) : NB_EMEMORY;
        nb_free_string(f->ctx, full);
    }
    return status;
}

/* *parted: among the names is train, and there is a folder in it. */
static nb_status look_for_parts(nb_ctx *ctx, const char *path, const nb_names *names, bool *parted)
{
    for (int64_t i = 0; i < names->count; i++) {
        if (strcmp(names->name[i], "train") != 0) continue;
        char *train = join(ctx, path, "train");
        nb_names *inside = train ? list(ctx, train, true) : NULL;
        *parted = inside && inside->count > 0;
        nb_free_string(ctx, train);
        if (!inside) return ctx->status;
        nb_names_release(ctx, inside);
    }
    return NB_OK;
}

nb_status nb_image_folder_list(nb_ctx *ctx, const char *path, nb_image_folder *f)
{
    bool parted = false;
    *f = (nb_image_folder){.ctx = ctx};
    nb_text_init(&f->paths, ctx);
    nb_names *names = list(ctx, path, true);
    nb_status status = names ? look_for_parts(ctx, path, names, &parted) : ctx->status;
    if (!status) status = parted ? add_parts(f, path, names) : add_folder(f, path, NB_IMAGE_TRAIN);
    nb_names_release(ctx, names);
    return status;
}

void nb_image_folder_free(nb_image_folder *f)
{
    nb_names_release(f->ctx, f->classes);
    nb_text_free(&f->paths);
    nb_free(f->ctx, f->group, f->room * sizeof *f->group);
    f->group = NULL;
}
