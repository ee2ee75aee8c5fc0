/* Networks in files: everything comes back, files that are not what they say are refused by name,
 * and nothing is lost or left when memory ends. */
#include "nn/model.h"

#include "../support.h"
#include "tune.h"
#include "io/safetensors.h"
#include "nn/notation/write.h"

#include <stdio.h>
#include <unistd.h>

static char path[64]; /* of the test's one file */

static int setup_file(void **state)
{
    strcpy(path, "test_model_XXXXXX");
    int file = mkstemp(path);
    if (file < 0) return -1;
    close(file);
    return setup(state);
}

static int teardown_file(void **state)
{
    unlink(path);
    return teardown(state);
}

static nb_net *net_with(const char *notation, const nb_resolver *resolver, nb_dtype dtype)
{
    nb_net *net = nb_notation_parse(ctx, notation, resolver);
    if (!net || nb_net_build(ctx, net, dtype, 7) != NB_OK) fail_msg("%s", ctx->message);
    return net;
}

static void assert_same_net(nb_net *a, nb_net *b)
{
    nb_text one, two;
    nb_text_init(&one, ctx);
    nb_text_init(&two, ctx);
    nb_notation_write(&one, a);
    nb_notation_write(&two, b);
    assert_string_equal(nb_text_get(&one), nb_text_get(&two));
    nb_text_free(&one);
    nb_text_free(&two);
    assert_int_equal(a->dtype, b->dtype);
    assert_int_equal(nb_net_count(a), nb_net_count(b));
    assert_memory_equal(nb_tensor_data(a->values), nb_tensor_data(b->values),
                        (size_t)nb_net_count(a) * nb_dtype_size(a->dtype));
}

static void test_there_and_back(void **state)
{
    (void)state;
    static const char *const notations[] = {
        "64 - 30 - 10", "5 - 4 relu tanh@2 name=hidden init=glorot - 3 softmax : cross_entropy",
        "1 - 1 linear : mse"};
    for (int i = 0; i < 6; i++) {
        nb_net *net = net_with(notations[i / 2], NULL, i % 2 ? NB_F32 : NB_F64);
        assert_int_equal(nb_model_save(ctx, net, path), NB_OK);
        nb_net *loaded = nb_model_load(ctx, path, NULL);
        if (!loaded) fail_msg("%s", ctx->message);
        assert_null(loaded->schema.classes);
        assert_null(loaded->schema.scale);
        assert_same_net(net, loaded);
        nb_net_release(ctx, loaded);
        nb_net_release(ctx, net);
    }
}

static void test_classes(void **state)
{
    (void)state;
    const char *const names[] = {"", "a\nb", "back\\slash"};
    nb_net *net = net_with("5 - 3", NULL, NB_F32);
    net->schema.classes = nb_classes_new(ctx, names, 3);
    assert_int_equal(nb_model_save(ctx, net, path), NB_OK);
    nb_net *loaded = nb_model_load(ctx, path, NULL);
    const nb_classes *read = loaded->schema.classes;
    assert_int_equal(read->count, 3);
    for (int i = 0; i < 3; i++) assert_string_equal(read->name[i], names[i]);
    nb_net_release(ctx, loaded);
    nb_net_release(ctx, net);
}

static nb_names *names_of(const char *lines)
{
    nb_names *names = nb_names_read(ctx, lines, "test");
    if (!names) fail_msg("%s", ctx->message);
    return names;
}

/* Names of columns may stand twice. */
static void test_schema(void **state)
{
    (void)state;
    nb_net *net = net_with("3 - 2", NULL, NB_F32);
    const double offset[] = {0.1, -1e300, 3}, factor[] = {1, 2, 1e-300};
    net->schema.columns = names_of("a\nb c\na");
    net->schema.targets = names_of("y\\nz\n");
    net->schema.words = nb_classes_new(ctx, (const char *const[]){" ", "ü", "\\"}, 3);
    net->schema.scale = nb_scale_new(ctx, 3, offset, factor);
    assert_int_equal(nb_model_save(ctx, net, path), NB_OK);
    nb_net *loaded = nb_model_load(ctx, path, NULL);
    if (!loaded) fail_msg("%s", ctx->message);
    const nb_schema *read = &loaded->schema;
    assert_null(read->classes);
    assert_int_equal(read->columns->count, 3);
    assert_string_equal(read->columns->name[1], "b c");
    assert_string_equal(read->columns->name[2], "a");
    assert_int_equal(read->targets->count, 2);
    assert_string_equal(read->targets->name[0], "y\nz");
    assert_string_equal(read->targets->name[1], "");
    assert_string_equal(read->words->name[2], "\\");
    assert_true(nb_scale_same(read->scale, net->schema.scale));
    assert_false(nb_scale_same(read->scale, NULL));
    nb_net_release(ctx, loaded);
    nb_net_release(ctx, net);
}

/* A scale of a network that stands in another goes with it. */
static void test_scale_within(void **state)
{
    (void)state;
    nb_net *net = net_with("2 - net[3 tanh - 2] - 1", NULL, NB_F64);
    nb_net *inner = nb_net_of(net->layer.child[0]);
    nb_scale *scale = nb_scale_new(ctx, 2, (const double[]){1, 2}, (const double[]){3, 4});
    assert_int_equal(nb_net_set_scale(ctx, inner, scale), NB_OK);
    assert_int_equal(nb_model_save(ctx, net, path), NB_OK);
    nb_net *loaded = nb_model_load(ctx, path, NULL);
    if (!loaded) fail_msg("%s", ctx->message);
    assert_null(loaded->schema.scale);
    assert_true(nb_scale_same(nb_net_of(loaded->layer.child[0])->schema.scale, scale));
    nb_scale_release(ctx, scale);
    nb_net_release(ctx, loaded);
    nb_net_release(ctx, net);
}

/* What stands in the file, for those who read it with other programs. */
static void test_content(void **state)
{
    (void)state;
    nb_net *net = net_with("5 - 4 name=hidden - 3", NULL, NB_F32);
    nb_archive archive = {.count = 0};
    assert_int_equal(nb_model_save(ctx, net, path), NB_OK);
    assert_int_equal(nb_safetensors_load(ctx, path, &archive), NB_OK);
    static const char *const keys[] = {"hidden.w", "hidden.b", "2.w", "2.b"};
    assert_int_equal(archive.count, 4);
    for (size_t i = 0; i < 4; i++) assert_string_equal(archive.entry[i].name, keys[i]);
    const nb_tensor *w = nb_archive_find(&archive, "hidden.w");
    assert_true(w->dims == 2 && w->shape[0] == 4 && w->shape[1] == 5);
    assert_string_equal(nb_archive_meta(&archive, "format"), "nabla 1");
    assert_string_equal(nb_archive_meta(&archive, "dtype"), "f32");
    assert_string_equal(nb_archive_meta(&archive, "notation"),
                        "5 - 4 sigmoid name=hidden - 3 sigmoid : quadratic");
    assert_null(nb_archive_meta(&archive, "classes"));
    nb_archive_free(ctx, &archive);
    nb_net_release(ctx, net);
}

static const nb_host_function host;
static const nb_activation_type bump = {.name = "bump", .host = &host};

static const nb_activation_type *find_bump(nb_ctx *c, void *self, const char *name)
{
    (void)c, (void)self;
    return strcmp(name, "bump") == 0 ? &bump : NULL;
}

static void test_custom_activation(void **state)
{
    (void)state;
    const nb_resolver resolver = {.activation = find_bump};
    nb_net *net = net_with("5 - 4 bump - 3 relu bump@2", &resolver, NB_F32);
    assert_int_equal(nb_model_save(ctx, net, path), NB_OK);
    nb_net *loaded = nb_model_load(ctx, path, &resolver);
    assert_non_null(loaded);
    assert_same_net(net, loaded);
    assert_null(nb_model_load(ctx, path, NULL));
    assert_failed(NB_EARG, "unknown activation 'bump'");
    assert_memory_equal(ctx->message, path, strlen(path));
    nb_net_release(ctx, net);
    nb_net_release(ctx, loaded);
}

static void test_same_names(void **state)
{
    (void)state;
    nb_net *net = net_with("5 - 4 name=a - 3 name=b", NULL, NB_F32);
    strcpy(net->layer.child[1]->head.name, "a");
    assert_int_equal(nb_model_save(ctx, net, path), NB_EARG);
    assert_failed(NB_EARG, "another layer has the same name");
    nb_net_release(ctx, net);
}

/* ---- Files that are not what they say ------------------------------------------------------- */

/* A file like that of "3 - 2", which each test spoils in its way. */
typedef struct parts {
    const char *format, *notation, *dtype, *classes; /* NULL: absent */
    int tensors;
    struct {
        const char *name;
        nb_dtype dtype;
        int dims;
        int64_t shape[3];
    } tensor[3];
} parts;

static const parts good = {
    "nabla 1", "3 - 2", "f32", NULL, 2, {{"1.w", NB_F32, 2, {2, 3}}, {"1.b", NB_F32, 1, {2}}}};

static void add_meta(nb_archive *archive, const char *key, const char *value)
{
    if (value) assert_int_equal(nb_archive_add_meta(ctx, archive, key, value), NB_OK);
}

static void write_parts(const parts *p)
{
    nb_archive archive = {.count = 0};
    add_meta(&archive, "format", p->format);
    add_meta(&archive, "notation", p->notation);
    add_meta(&archive, "dtype", p->dtype);
    add_meta(&archive, "classes", p->classes);
    for (int i = 0; i < p->tensors; i++) {
        nb_tensor *tensor =
            nb_tensor_zeros(ctx, p->tensor[i].dtype, p->tensor[i].dims, p->tensor[i].shape);
        assert_int_equal(nb_archive_add(ctx, &archive, p->tensor[i].name, tensor), NB_OK);
        nb_tensor_release(ctx, tensor);
    }
    assert_int_equal(nb_safetensors_save(ctx, path, &archive), NB_OK);
    nb_archive_free(ctx, &archive);
}

/* Fails, says which file, and what is wrong with it. */
static void assert_refused(const parts *p, nb_status status, const char *words)
{
    write_parts(p);
    assert_null(nb_model_load(ctx, path, NULL));
    assert_failed(status, words);
    assert_memory_equal(ctx->message, path, strlen(path));
}

static void test_good_parts(void **state)
{
    (void)state;
    parts p = good;
    p.tensor[0].dtype = NB_F64; /* another program may have written it so */
    write_parts(&p);
    nb_net *net = nb_model_load(ctx, path, NULL);
    if (!net) fail_msg("%s", ctx->message);
    assert_int_equal(net->dtype, NB_F32);
    nb_net_release(ctx, net);
}

static void test_bad_metadata(void **state)
{
    (void)state;
    parts p = good;
    p.notation = NULL;
    assert_refused(&p, NB_EFORMAT, "holds tensors but no network");
    p = good, p.format = NULL;
    assert_refused(&p, NB_EFORMAT, "holds tensors but no network");
    p = good, p.format = "nabla 2";
    assert_refused(&p, NB_EFORMAT, "its format is 'nabla 2'; 'nabla 1' is expected");
    p = good, p.dtype = NULL;
    assert_refused(&p, NB_EFORMAT, "its dtype is ''; f32 or f64 is expected");
    p = good, p.dtype = "u8";
    assert_refused(&p, NB_EFORMAT, "its dtype is 'u8'");
    p = good, p.notation = "3 - 2 rleu";
    assert_refused(&p, NB_EARG, "unknown activation 'rleu'");
    p = good, p.notation = "3 - fn";
    assert_refused(&p, NB_EARG, "it needs the table form");
    p = good, p.classes = "a\\b";
    assert_refused(&p, NB_EFORMAT, "class name 1 has a '\\'");
}

static void test_bad_tensors(void **state)
{
    (void)state;
    parts p = good;
    p.tensors = 1;
    assert_refused(&p, NB_EFORMAT, "the tensor 1.b is missing");
    p = good, p.tensor[0].name = "w";
    assert_refused(&p, NB_EFORMAT, "the tensor 1.w is missing");
    p = good, p.tensor[0].shape[0] = 3, p.tensor[0].shape[1] = 2;
    assert_refused(&p, NB_EFORMAT, "the tensor 1.w is 3x2; the network needs 2x3");
    p = good, p.tensor[1].dims = 2, p.tensor[1].shape[1] = 1;
    assert_refused(&p, NB_EFORMAT, "the tensor 1.b is 2x1; the network needs 2");
    p = good, p.tensor[1].dtype = NB_I32;
    assert_refused(&p, NB_EFORMAT, "the tensor 1.b is i32; f32 or f64 is needed");
    p = good, p.tensors = 3, p.tensor[2] = p.tensor[1], p.tensor[2].name = "2.b";
    assert_refused(&p, NB_EFORMAT, "the tensor 2.b belongs to no layer");
}

static void test_two_layers_one_name(void **state)
{
    (void)state;
    parts p = good;
    p.notation = "3 - 3 name=a - 3 name=a";
    p.tensor[0].name = "a.w", p.tensor[0].shape[0] = 3;
    p.tensor[1].name = "a.b", p.tensor[1].shape[0] = 3;
    write_parts(&p);
    assert_null(nb_model_load(ctx, path, NULL));
    assert_non_null(strstr(ctx->message, "name"));
}

/* A short file may speak of a large network; nothing of its size is allocated. */
static void test_large_promise(void **state)
{
    (void)state;
    parts p = good;
    p.notation = "2147483648 - 60000";
    nb_pool_trim(ctx);
    ctx->memory.peak = 0;
    assert_refused(&p, NB_EFORMAT, "the tensor 1.w is 2x3; the network needs 60000x2147483648");
    p.notation = "2147483648 - 2147483648";
    write_parts(&p);
    assert_null(nb_model_load(ctx, path, NULL));
    assert_true(ctx->memory.peak < 100000);
}

static void test_no_file(void **state)
{
    (void)state;
    unlink(path);
    assert_null(nb_model_load(ctx, path, NULL));
    assert_int_equal(ctx->status, NB_EIO);
}

/* ---- When memory ends ----------------------------------------------------------------------- */

static nb_status save_once(void *net)
{
    return nb_model_save(ctx, net, path);
}

static nb_status load_once(void *saved)
{
    nb_net *net = nb_model_load(ctx, path, NULL), *of = saved;
    if (!net) return ctx->status;
    assert_same_net(of, net);
    assert_int_equal(net->schema.classes->count, of->schema.classes->count);
    assert_true(nb_scale_same(net->schema.scale, of->schema.scale));
    nb_net_release(ctx, net);
    return NB_OK;
}

/* A network with all that a file may hold. */
static nb_net *whole_net(const char *notation, nb_dtype dtype)
{
    nb_net *net = net_with(notation, NULL, dtype);
    net->schema.classes = nb_classes_new(ctx, NULL, 3);
    net->schema.columns = names_of("a\nb");
    net->schema.scale = nb_scale_new(ctx, 1, (const double[]){1}, (const double[]){2});
    tune(ctx, net, 1);
    return net;
}

/* A save that fails leaves the old file; load_once, which comes after it, reads it. */
static void test_memory_ends(void **state)
{
    (void)state;
    nb_net *net = whole_net("5 - 4 relu@2 name=hidden - 3", NB_F32);
    nb_net *before = nb_net_clone(ctx, net, NB_F32);
    sweep(save_once, net);
    assert_same_net(net, before);
    ctx->memory.fail_at = ctx->memory.requests + 1;
    ctx->memory.fail_on = true;
    nb_pool_trim(ctx);
    assert_int_equal(save_once(net), NB_EMEMORY);
    ctx->memory.fail_at = 0;
    ctx->memory.fail_on = false;
    assert_int_equal(load_once(net), NB_OK);
    nb_net_release(ctx, before);
    nb_net_release(ctx, net);
}

static nb_status load_alone(void *arg)
{
    (void)arg;
    nb_net *net = nb_model_load(ctx, path, NULL);
    nb_status status = net ? NB_OK : ctx->status;
    nb_net_release(ctx, net);
    return status;
}

static void test_memory_ends_while_loading(void **state)
{
    (void)state;
    nb_net *net = whole_net("5 - 4 relu@2 name=hidden - 3 softmax", NB_F64);
    assert_int_equal(nb_model_save(ctx, net, path), NB_OK);
    sweep(load_alone, NULL);
    nb_net_release(ctx, net);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup_file, teardown_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(there_and_back),
        TEST(classes),
        TEST(schema),
        TEST(scale_within),
        TEST(content),
        TEST(custom_activation),
        TEST(same_names),
        TEST(good_parts),
        TEST(bad_metadata),
        TEST(bad_tensors),
        TEST(two_layers_one_name),
        TEST(large_promise),
        TEST(no_file),
        TEST(memory_ends),
        TEST(memory_ends_while_loading),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
