/* set:save. */
#include "lua/data/parts.h"

#include "lua/data/set.h"
#include "lua/nn/part.h"
#include "nn/train/answers.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

typedef struct save_options {
    int net;
} save_options;

static const nb_option save_fields[] = {
    {.name = "net",
     .help = "a network, whose answers are written beside the examples",
     .standard = "none",
     .kind = NB_HOST,
     .offset = offsetof(save_options, net)},
    NB_OPTIONS_END,
};

typedef struct save_job {
    nb_set *set;
    nb_net *net; /* or NULL */
    const char *path;
    bool table; /* of text */
} save_job;

static nb_status save(nb_ctx *ctx, void *data)
{
    const save_job *work = data;
    if (work->net) return nb_answers_save(ctx, work->net, work->set, work->path);
    return work->table ? nb_set_save_csv(ctx, work->set, work->path, NULL)
                       : nb_set_save_tensors(ctx, work->set, work->path);
}

static bool ends_in(const char *path, const char *extension)
{
    size_t length = strlen(path), tail = strlen(extension);
    return length > tail && strcasecmp(path + length - tail, extension) == 0;
}

static int set_save(lua_State *L)
{
    save_options options;
    save_job work = {.set = nbl_check_set(L, 1), .path = nbl_check_path(L, 2)};
    nbl_no_more(L, 3);
    nbl_options(L, 3, save_fields, &options, false);
    work.table = ends_in(work.path, ".csv");
    if (!work.table && !ends_in(work.path, ".npz") && !ends_in(work.path, ".safetensors"))
        return nbl_error(L, "the path of a set ends in .csv, .npz or .safetensors, not '%s'",
                         work.path);
    nbl_net *net = options.net ? nbl_check_net(L, options.net) : NULL;
    if (!net) {
        nbl_run(L, save, &work);
        return 0;
    }
    if (!work.table) return nbl_error(L, "answers go into a table: a path that ends in .csv");
    work.net = net->net;
    nbl_net_run(L, net, save, &work);
    return 0;
}

static const nbl_entry entries[] = {
    {":save", set_save, "set:save(path, [{net}])",
     "Writes the examples, whole or not at all. A .csv has a row for each, x and behind it y, "
     "classes by their names; data.csv(path, {y = -1, classes = set.classes}) reads the same "
     "numbers back, to the last bit. With a network its answers stand beside them. A .npz or "
     ".safetensors holds the tensors x and y, which keep their shapes.",
     "name = os.tmpname()\npath = name .. \".csv\"\niris = data.iris()\niris:save(path)\n"
     "print(data.csv(path, {y = \"species\"}).x:equal(iris.x))\n"
     "net = nn.net \"4 - 3 softmax : cross_entropy\"\niris:take(5):save(path, {net = net})\n"
     "print(io.open(path):read \"a\")\nos.remove(path)\nos.remove(name)",
     save_fields},
    {.name = NULL},
};

void nbl_open_set_save(lua_State *L)
{
    nbl_register(L, "set", entries);
}
