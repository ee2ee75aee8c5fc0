/* What the tests of src/io/ share: a context whose memory is counted, a folder of their own, files
 * in it, gzip, and a sweep of failing requests. */
#ifndef NB_TEST_FILES_H
#define NB_TEST_FILES_H

#include "base/context.h"
#include "tensor/tensor.h" /* whose arguments would hide the context below */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The context of the test under way; `setup` makes it, `teardown` fails the test that lost memory.
 */
extern nb_ctx *ctx;
int setup(void **state);
int teardown(void **state);

/* The path of a name in the test's folder; good for the next few calls. The folder is empty when a
 * test starts and goes with all that is in it when the test ends. */
const char *path_of(const char *name);
/* Entries of the folder. */
int folder_count(void);
const char *write_file(const char *name, const void *data, size_t size);
/* The content of a file, freed with free(). */
uint8_t *read_file(const char *path, size_t *size);
void assert_file(const char *path, const void *data, size_t size);

/* The path of a file in tests/golden/; good for the next few calls. */
const char *golden(const char *name);

/* Permissions do not bind root: gives its rights up until `become_root`, in a folder open to all.
 * False where that cannot be done; true where the user is not root anyway. */
bool become_anybody(void);
void become_root(void);

/* The bytes as one gzip member, without a time, freed with free(). */
uint8_t *gzip(const void *data, size_t size, size_t *packed);

/* A safetensors file as bytes: the length of its header, the header, the data. */
enum { HAND_MADE_MAX = 4096 };

typedef struct hand_made {
    uint8_t data[HAND_MADE_MAX];
    size_t size;
} hand_made;

hand_made file_of(const char *header, const void *data, size_t size);
/* The same with any number as the length. */
hand_made file_of_length(uint64_t length, const char *header, size_t header_size, const void *data,
                         size_t size);

/* The place of the n-th (from 0) little-endian number of 4 bytes in a file that must have it, and
 * one of `width` bytes put somewhere. */
size_t find_number(const uint8_t *data, size_t size, uint32_t number, int n);
void put_number(uint8_t *at, int width, uint64_t number);

/* Changes a copy of a file as damage or malice would: bytes, bits, stretches, its end. `seed` says
 * how; the new size. `into` has room for twice the size. */
size_t mutate(uint32_t seed, const uint8_t *data, size_t size, uint8_t *into);

/* The last failure has this status and its message holds these words. */
void assert_failed(nb_status status, const char *words);

/* Runs `attempt` with request 1, 2, … failing until it succeeds; each failure must be NB_EMEMORY
 * and give back all that it took. First every request from the Nth on fails, then the Nth alone.
 * `attempt` cleans up after success itself. */
void sweep_failing_requests(nb_status (*attempt)(void *arg), void *arg);

#endif
