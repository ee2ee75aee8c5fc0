/* What the environment says of a launcher, and a module that is not there. */
#include "base/processes/launcher.h"

#include "../fixture.h"

#include <stdlib.h>
#include <string.h>

static const char *const variables[] = {
    "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK",  "PMI_SIZE",
    "MV2_COMM_WORLD_RANK",  "MV2_COMM_WORLD_SIZE",  "PMIX_RANK", "SLURM_STEP_NUM_TASKS",
    "SLURM_PROCID",         "SLURM_NTASKS",
};

static nb_launch look(const char *rank, const char *r, const char *ranks, const char *n)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) unsetenv(variables[i]);
    if (rank) setenv(rank, r, 1);
    if (ranks) setenv(ranks, n, 1);
    return nb_launcher_look();
}

static void test_alone(void **state)
{
    (void)state;
    nb_launch launch = look(NULL, NULL, NULL, NULL);
    assert_null(launch.by);
    assert_int_equal(launch.ranks, 1);
    /* A batch script of Slurm's has a number and is no step. */
    assert_null(look("SLURM_PROCID", "0", "SLURM_NTASKS", "4").by);
    assert_null(look("PMI_RANK", "0", NULL, NULL).by);
}

static void test_launched(void **state)
{
    static const char *const pairs[][2] = {{"PMI_RANK", "PMI_SIZE"},
                                           {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                           {"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"},
                                           {"PMIX_RANK", "SLURM_STEP_NUM_TASKS"},
                                           {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}};
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        nb_launch launch = look(pairs[i][0], "2", pairs[i][1], "5");
        assert_non_null(launch.by);
        assert_int_equal(launch.rank, 2);
        assert_int_equal(launch.ranks, 5);
    }
}

static void test_nonsense(void **state)
{
    static const char *const wrong[][2] = {{"-1", "4"},  {"4", "4"},          {"x", "4"},
                                           {"0", "0"},   {"", "4"},           {"0", "4 "},
                                           {"0", "1e3"}, {"0", "99999999999"}};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_null(look("PMI_RANK", wrong[i][0], "PMI_SIZE", wrong[i][1]).by);
    assert_non_null(look("PMI_RANK", "3", "PMI_SIZE", "4").by);
}

static void test_no_module(void **state)
{
    nb_ctx *ctx = *state;
    const char *const folders[] = {"", "/nowhere", NULL};
    const nb_launch launch = {"mpirun", 0, 4};
    assert_int_equal(nb_launcher_join(ctx, &launch, folders), NB_EIO);
    assert_non_null(strstr(ctx->message, "apt-get install libmpich-dev mpich"));
    assert_non_null(strstr(ctx->message, "one of 4 processes"));
    assert_null(ctx->peers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_launched),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test_setup_teardown(test_no_module, setup, teardown),
    };
    return cmocka_run_group_tests_name("launcher", tests, NULL, NULL);
}
