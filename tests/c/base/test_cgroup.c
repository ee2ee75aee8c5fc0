/* Memory limits of control groups, read from trees made for the purpose. */
#include "base/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATH_ROOM = 256, FILES_MAX = 16 };

/* A folder, and what was made in it, in order. */
typedef struct tree {
    char root[PATH_ROOM];
    char *made[FILES_MAX];
    int count;
} tree;

static char *add(tree *t, const char *name)
{
    assert_true(t->count < FILES_MAX);
    size_t room = strlen(t->root) + strlen(name) + 2;
    char *path = malloc(room);
    assert_non_null(path);
    snprintf(path, room, "%s/%s", t->root, name);
    return t->made[t->count++] = path;
}

static void add_folder(tree *t, const char *name)
{
    assert_int_equal(mkdir(add(t, name), 0700), 0);
}

static const char *add_file(tree *t, const char *name, const char *text)
{
    char *path = add(t, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static int setup(void **state)
{
    const char *base = getenv("TMPDIR");
    tree *t = calloc(1, sizeof *t);
    if (!t) return -1;
    snprintf(t->root, sizeof t->root, "%s/nabla-XXXXXX", base ? base : "/tmp");
    *state = t;
    return mkdtemp(t->root) ? 0 : -1;
}

static int teardown(void **state)
{
    tree *t = *state;
    while (t->count > 0) {
        remove(t->made[--t->count]);
        free(t->made[t->count]);
    }
    int left = rmdir(t->root);
    free(t);
    return left;
}

/* Catches a reader that looks at the process's own group only. */
static void test_version_2(void **state)
{
    tree *t = *state;
    const char *groups = add_file(t, "groups", "0::/a/b\n");
    add_folder(t, "a");
    add_folder(t, "a/b");
    assert_true(nb_cgroup_limit(groups, t->root) == SIZE_MAX);
    add_file(t, "a/b/memory.max", "max\n");
    assert_true(nb_cgroup_limit(groups, t->root) == SIZE_MAX);
    add_file(t, "a/memory.max", "3000000\n");
    assert_true(nb_cgroup_limit(groups, t->root) == 3000000);
    add_file(t, "a/b/memory.max", "2000000\n");
    assert_true(nb_cgroup_limit(groups, t->root) == 2000000);
    add_file(t, "memory.max", "1000000\n");
    assert_true(nb_cgroup_limit(groups, t->root) == 1000000);
}

static void test_version_1(void **state)
{
    tree *t = *state;
    const char *groups = add_file(t, "groups", "9:name=systemd:/a\n4:cpu,memory:/a\n2:cpuset:/\n");
    add_folder(t, "memory");
    add_folder(t, "memory/a");
    add_file(t, "memory/memory.limit_in_bytes", "9223372036854771712\n");
    add_file(t, "memory/a/memory.limit_in_bytes", "536870912\n");
    assert_true(nb_cgroup_limit(groups, t->root) == 536870912);
}

/* A controller whose name only begins or ends like memory's is another one. */
static void test_other_controllers(void **state)
{
    tree *t = *state;
    const char *groups = add_file(t, "groups", "4:memoryx,xmemory:/\n3:cpu:/\n");
    add_folder(t, "memory");
    add_file(t, "memory/memory.limit_in_bytes", "1\n");
    assert_true(nb_cgroup_limit(groups, t->root) == SIZE_MAX);
}

/* Inside a container the path is the outside's; the mount is the container's own group. */
static void test_unknown_path(void **state)
{
    tree *t = *state;
    const char *groups = add_file(t, "groups", "0::/system.slice/docker-1234.scope\n");
    add_file(t, "memory.max", "123456789\n");
    assert_true(nb_cgroup_limit(groups, t->root) == 123456789);
}

static void test_nonsense(void **state)
{
    tree *t = *state;
    const char *groups = add_file(t, "groups", "\n:\nno colons\n0:\n0::\n");
    assert_true(nb_cgroup_limit(groups, t->root) == SIZE_MAX);
    add_file(t, "memory.max", "99999999999999999999999\n");
    assert_true(nb_cgroup_limit(groups, t->root) == SIZE_MAX);
    add_file(t, "memory.max", "");
    assert_true(nb_cgroup_limit(groups, t->root) == SIZE_MAX);
    assert_true(nb_cgroup_limit("/nonexistent/groups", t->root) == SIZE_MAX);
    assert_true(nb_cgroup_limit(t->root, t->root) == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_version_2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version_1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_controllers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
