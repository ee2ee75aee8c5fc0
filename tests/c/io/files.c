/* See files.h. */
#include "files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PATHS = 8, NOBODY = 65534 };

nb_ctx *ctx;
static size_t live;
static char folder[256];

int setup(void **state)
{
    (void)state;
    const char *parent = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/nabla-test-XXXXXX", parent && *parent ? parent : "/tmp");
    ctx = nb_ctx_new();
    if (!ctx || !mkdtemp(folder)) return -1;
    live = ctx->memory.live;
    return 0;
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int folder_count(void)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) count += !is_dot(entry->d_name);
    closedir(dir);
    return count;
}

static void empty_folder(void)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (!is_dot(entry->d_name)) remove(path_of(entry->d_name));
    }
    if (dir) closedir(dir);
    rmdir(folder);
}

int teardown(void **state)
{
    (void)state;
    empty_folder();
    size_t left = ctx->memory.live;
    nb_ctx_free(ctx);
    if (left != live) print_error("%zu bytes were not given back\n", left - live);
    return left == live ? 0 : -1;
}

const char *path_of(const char *name)
{
    static char path[PATHS][600];
    static int next;
    next = (next + 1) % PATHS;
    snprintf(path[next], sizeof path[next], "%s/%s", folder, name);
    return path[next];
}

const char *golden(const char *name)
{
    static char path[PATHS][600];
    static int next;
    const char *source = getenv("srcdir");
    next = (next + 1) % PATHS;
    snprintf(path[next], sizeof path[next], "%s/tests/golden/%s", source ? source : ".", name);
    return path[next];
}

const char *write_file(const char *name, const void *data, size_t size)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

uint8_t *read_file(const char *path, size_t *size)
{
    struct stat about;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &about), 0);
    *size = (size_t)about.st_size;
    uint8_t *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

void assert_file(const char *path, const void *data, size_t size)
{
    size_t found;
    uint8_t *content = read_file(path, &found);
    assert_int_equal(found, size);
    assert_memory_equal(content, data, size);
    free(content);
}

static bool was_root;

bool become_anybody(void)
{
    was_root = geteuid() == 0;
    return !was_root || (chmod(folder, 0777) == 0 && seteuid(NOBODY) == 0);
}

void become_root(void)
{
    if (was_root) assert_int_equal(seteuid(0), 0);
}

uint8_t *gzip(const void *data, size_t size, size_t *packed)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)size};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, (uLong)size);
    uint8_t *out = malloc(room);
    assert_non_null(out);
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    *packed = z.total_out;
    deflateEnd(&z);
    return out;
}

size_t find_number(const uint8_t *data, size_t size, uint32_t number, int n)
{
    uint8_t bytes[4];
    put_number(bytes, 4, number);
    for (size_t i = 0; i + 4 <= size; i++) {
        if (memcmp(data + i, bytes, 4) == 0 && n-- == 0) return i;
    }
    fail_msg("there is no %08x", (unsigned)number);
    return 0;
}

void put_number(uint8_t *at, int width, uint64_t number)
{
    for (int i = 0; i < width; i++) at[i] = (uint8_t)(number >> 8 * i);
}

static uint32_t draw(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static size_t mutate_once(uint32_t *state, uint8_t *data, size_t size, size_t room)
{
    size_t at = draw(state) % size, to = draw(state) % size, n = draw(state) % 16;
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff, '9', '('};
    switch (draw(state) % 6) {
    case 0:
        data[at] = (uint8_t)draw(state);
        return size;
    case 1:
        data[at] ^= (uint8_t)(1u << draw(state) % 8);
        return size;
    case 2:
        memset(data + at, edges[draw(state) % sizeof edges], n < size - at ? n : size - at);
        return size;
    case 3:
        n = n < size - at ? n : size - at;
        memmove(data + to, data + at, n < size - to ? n : size - to);
        return size;
    case 4: /* a stretch comes twice */
        if (n > room - size) n = room - size;
        memmove(data + at + n, data + at, size - at);
        return size + n;
    default: /* a stretch, or the end, is gone */
        n = draw(state) % 4 ? n : size;
        n = n < size - at ? n : size - at;
        memmove(data + at, data + at + n, size - at - n);
        return size - n > 0 ? size - n : size;
    }
}

size_t mutate(uint32_t seed, const uint8_t *data, size_t size, uint8_t *into)
{
    uint32_t state = seed * 2654435761u + 1;
    size_t room = 2 * size;
    memcpy(into, data, size);
    if (state == 0) state = 1;
    for (uint32_t i = draw(&state) % 3 + 1; i > 0; i--) {
        size = mutate_once(&state, into, size, room);
    }
    return size;
}

hand_made file_of_length(uint64_t length, const char *header, size_t header_size, const void *data,
                         size_t size)
{
    hand_made file = {.size = 8 + header_size + size};
    assert_true(file.size <= HAND_MADE_MAX);
    for (int i = 0; i < 8; i++) file.data[i] = (uint8_t)(length >> 8 * i);
    if (header_size > 0) memcpy(file.data + 8, header, header_size);
    if (size > 0) memcpy(file.data + 8 + header_size, data, size);
    return file;
}

hand_made file_of(const char *header, const void *data, size_t size)
{
    return file_of_length(strlen(header), header, strlen(header), data, size);
}

void assert_failed(nb_status status, const char *words)
{
    if (ctx->status != status || !strstr(ctx->message, words)) {
        fail_msg("expected status %d with '%s', got %d: %s", status, words, ctx->status,
                 ctx->message);
    }
}

static void sweep(nb_status (*attempt)(void *arg), void *arg, bool for_ever)
{
    nb_memory *memory = &ctx->memory;
    size_t before = memory->live;
    nb_status status = NB_EMEMORY;
    memory->fail_on = for_ever;
    for (uint64_t n = 1; status != NB_OK; n++) {
        memory->fail_at = memory->requests + n;
        status = attempt(arg);
        bool reached = memory->requests >= memory->fail_at;
        memory->fail_at = 0;
        assert_int_equal(memory->live, before);
        assert_int_equal(status, reached ? NB_EMEMORY : NB_OK);
        if (status) assert_failed(NB_EMEMORY, "memory");
    }
}

void sweep_failing_requests(nb_status (*attempt)(void *arg), void *arg)
{
    size_t cap = ctx->memory.pool_cap;
    ctx->memory.pool_cap = 0;
    nb_pool_trim(ctx);
    sweep(attempt, arg, true);
    sweep(attempt, arg, false);
    ctx->memory.pool_cap = cap;
}
