/* The command line. */
#define _GNU_SOURCE
#include "shell/options.h"

#include "base/workers.h"
#include "shell/screen/say.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char short_options[] = "+:e:il:vEWh";

static const struct option long_options[] = {
    {"execute", required_argument, NULL, 'e'},  {"interactive", no_argument, NULL, 'i'},
    {"library", required_argument, NULL, 'l'},  {"version", no_argument, NULL, 'v'},
    {"no-environment", no_argument, NULL, 'E'}, {"warnings", no_argument, NULL, 'W'},
    {"help", no_argument, NULL, 'h'},           {"seed", required_argument, NULL, 's'},
    {"threads", required_argument, NULL, 't'},  {NULL, 0, NULL, 0},
};

void sh_options_help(void)
{
    fputs("usage: nabla [options] [script [arguments]]\n"
          "\n"
          "A shell for neural networks. Without a script: the prompt on a terminal, else what\n"
          "standard input holds is run.\n"
          "\n"
          "  -e, --execute CODE      run CODE\n"
          "  -l, --library NAME      require NAME into a global of that name (also GLOBAL=NAME)\n"
          "  -i, --interactive       open the prompt after the script\n"
          "  -E, --no-environment    heed neither environment variables nor init.lua\n"
          "  -W, --warnings          show warnings\n"
          "      --seed N            begin the random numbers with seed N\n"
          "      --threads N         use N threads\n"
          "  -v, --version           print the version\n"
          "  -h, --help              print this\n"
          "  --                      end of options\n"
          "  -                       run standard input as the script\n"
          "\n"
          "Exit status: 0, 1 after an error in Lua, 2 after wrong usage, 130 when interrupted.\n",
          stdout);
}

static bool __attribute__((format(printf, 1, 2))) wrong(const char *format, ...)
{
    va_list arguments;
    char *text;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    fputs(SH_PROGRAM ": ", stderr);
    if (length >= 0) sh_put(stderr, text, NB_ESCAPE_WORD);
    if (length >= 0) free(text);
    fputs("; try " SH_PROGRAM " --help\n", stderr);
    return false;
}

static bool read_number(const char *text, int64_t least, int64_t most, int64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *number >= least && *number <= most;
}

static bool read_seed(sh_options *options)
{
    options->has_seed = true;
    if (read_number(optarg, 0, INT64_MAX, &options->seed)) return true;
    return wrong("--seed must be a whole number from 0 up, not '%s'", optarg);
}

static bool read_threads(sh_options *options)
{
    options->has_threads = true;
    if (read_number(optarg, 1, NB_MAX_THREADS, &options->threads)) return true;
    return wrong("--threads must be a whole number from 1 to %d, not '%s'", NB_MAX_THREADS, optarg);
}

static bool add_action(sh_options *options, bool is_code)
{
    options->actions[options->action_count++] = (sh_action){is_code, optarg};
    return true;
}

static bool unknown(char **argv, int letter)
{
    if (optopt == 0) return wrong("there is no option '%s'", argv[optind - 1]);
    const char name[] = {'-', (char)optopt, '\0'};
    if (letter == ':') {
        const char *given = optopt == 's' || optopt == 't' ? argv[optind - 1] : name;
        return wrong("option '%s' wants a value", given);
    }
    /* A long option that takes no value leaves its letter here. */
    if (optind > 1 && argv[optind - 1][0] == '-' && argv[optind - 1][1] == '-')
        return wrong("option '%s' takes no value", argv[optind - 1]);
    return wrong("there is no option '%s'", name);
}

static bool take(sh_options *options, int letter, char **argv)
{
    switch (letter) {
    case 'e':
    case 'l':
        return add_action(options, letter == 'e');
    case 'i':
        options->interactive = true;
        return true;
    case 'v':
        options->version = true;
        return true;
    case 'E':
        options->no_environment = true;
        return true;
    case 'W':
        options->warnings = true;
        return true;
    case 'h':
        options->help = true;
        return true;
    case 's':
        return read_seed(options);
    case 't':
        return read_threads(options);
    default:
        return unknown(argv, letter);
    }
}

bool sh_options_read(sh_options *options, int argc, char **argv)
{
    int letter;
    *options = (sh_options){.actions = calloc((size_t)argc + 1, sizeof *options->actions)};
    if (!options->actions) return wrong("%s", "there is no memory");
    opterr = 0;
    while ((letter = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
        if (!take(options, letter, argv)) return false;
    options->script = optind;
    return true;
}

void sh_options_free(sh_options *options)
{
    free(options->actions);
    options->actions = NULL;
}
