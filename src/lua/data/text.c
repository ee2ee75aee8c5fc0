/* data.text: sets from texts. */
#include "lua/data/text.h"

#include "lua/data/set.h"
#include "lua/data/words.h"
#include "nn/data/read/text.h"

#include <stddef.h>

enum { STEPS = 64 }; /* where none are told */

/* ---- data.text ---- */

#define AT(field) offsetof(nb_text_options, field)

#define SHARE(part, where)                                                                         \
    {                                                                                              \
        .name = #part, .help = "share of the rows that is set." #part ": " where,                  \
        .range = "a number from 0, below 1", .high = 0.999999, .kind = NB_NUMBER,                  \
        .offset = AT(part)                                                                         \
    }

static const nb_option text_fields[] = {
    {.name = "steps",
     .help = "characters of a row",
     .range = "a whole number from 1",
     .value = STEPS,
     .low = 1,
     .high = INT32_MAX,
     .kind = NB_INTEGER,
     .offset = AT(steps)},
    {.name = "stride",
     .help = "from the begin of a row to that of the next; below steps, rows overlap",
     .range = "a whole number from 1",
     .standard = "steps",
     .high = INT32_MAX,
     .kind = NB_INTEGER,
     .offset = AT(stride)},
    {.name = "bytes",
     .help = "every byte is a character; else the file is UTF-8",
     .kind = NB_BOOLEAN,
     .offset = AT(bytes)},
    SHARE(valid, "rows before those of test"),
    SHARE(test, "the last rows of the text; set.train is then what is left"),
    NB_OPTIONS_END,
};

typedef struct text_job {
    const char *path;
    nb_text_options options;
    nb_set **out;
} text_job;

static nb_status read_text(nb_ctx *ctx, void *data)
{
    text_job *work = data;
    *work->out = nb_set_read_text(ctx, work->path, &work->options);
    return *work->out ? NB_OK : ctx->status;
}

static int data_text(lua_State *L)
{
    text_job work = {.path = nbl_check_path(L, 1)};
    nb_text_options *options = &work.options;
    nbl_no_more(L, 2);
    nbl_options(L, 2, text_fields, options, false);
    if (options->stride == 0) options->stride = options->steps;
    if (options->valid + options->test >= 1)
        return nbl_error(L, "valid and test leave nothing to learn from: together they are %f",
                         options->valid + options->test);
    work.out = nbl_new_set(L);
    nbl_run(L, read_text, &work);
    return 1;
}

/* ---- Numbers as text ---- */

static int set_decode(lua_State *L)
{
    return nbl_push_decoded(L, nbl_check_set(L, 1)->schema.words, "the set");
}

/* ---- Registration ---- */

#define TEXT                                                                                       \
    "path = os.tmpname()\nfile = io.open(path, \"w\")\nfile:write((\"to be or not to be, \"):rep(" \
    "40))\nfile:close()\n"

static const nbl_entry entries[] = {
    {"text", data_text, "data.text(path, [{steps = …, …}])",
     "A data set from a text, plain or gzip, for networks that say what comes next: a row of x is "
     "`steps` characters as word numbers, for embedding, and y the class of the character that "
     "follows each of them. The vocabulary, set.classes, is the characters of the text in the "
     "order "
     "of Unicode; a network that learned from the set takes text as x. The text is held once, in a "
     "byte for each character (two where there are more than 256 different ones). Line ends stay "
     "as "
     "they are, UTF-8's mark at the begin is left out, and so is at the end what fills no row.",
     TEXT "set = data.text(path, {steps = 20})\nprint(set)\n"
          "net = nn.net(\"* - embedding 8 8 - gru 16 - 8 softmax : cross_entropy\", {seed = 1})\n"
          "net:train(set, {epochs = 20, batch = 8, optimizer = nn.adam {lr = 0.02}})\n"
          "print(net:evaluate(set))\nos.remove(path)",
     text_fields},
    {.name = NULL},
};

static const nbl_entry set_entries[] = {
    {":decode", set_decode, "set:decode(numbers)",
     "Word or class numbers of a set of data.text as text: of a number, a vector or a list one "
     "text, "
     "of a matrix a table of them, one for each row.",
     TEXT "set = data.text(path, {steps = 20})\nprint(set:decode(set[2].x))\nos.remove(path)",
     NULL},
    {.name = NULL},
};

void nbl_open_text(lua_State *L)
{
    nbl_register(L, "data", entries);
}

void nbl_open_set_text(lua_State *L)
{
    nbl_register(L, "set", set_entries);
}
