/* The command line: lua's own, with long forms. */
#ifndef SH_OPTIONS_H
#define SH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* -e and -l, in their order. */
typedef struct sh_action {
    bool is_code; /* else a module */
    const char *text;
} sh_action;

typedef struct sh_options {
    bool help, version, interactive, no_environment, warnings;
    bool has_seed, has_threads;
    int64_t seed, threads;
    sh_action *actions; /* sh_options_free gives them back */
    int action_count;
    int script; /* its place in argv; argc when there is none */
} sh_options;

/* False: wrong usage; one line was printed. */
bool sh_options_read(sh_options *options, int argc, char **argv);
void sh_options_free(sh_options *options);
void sh_options_help(void);

#endif
