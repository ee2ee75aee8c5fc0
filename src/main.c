/* nabla: options and wiring. */
#include "shell/prompt.h"
#include "shell/run/interrupt.h"
#include "shell/run/ranks.h"
#include "shell/run/writes.h"
#include "shell/screen/say.h"
#include "shell/script.h"
#include "shell/state.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What the command line asks for, as lua does it. With -i the prompt opens whatever became of the
 * script. */
static sh_status run(sh_shell *shell, const sh_options *options, int argc, char **argv)
{
    bool has_script = options->script < argc;
    bool has_code = options->action_count > 0;
    bool idle = !has_script && !has_code && !options->version;
    bool prompt = options->interactive || (idle && shell->terminal.input);
    bool input = (idle && !prompt) || (has_script && strcmp(argv[options->script], "-") == 0);
    sh_running what = prompt ? SH_RUNS_PROMPT : input ? SH_RUNS_INPUT : SH_RUNS_SCRIPT;
    if (!sh_ranks_join(shell, options, what)) return SH_FAILED;
    sh_status status = sh_run_actions(shell, options);
    if (status == SH_OK && has_script)
        status = sh_run_script(shell, argc, argv, options->script);
    else if (status == SH_OK && idle && !prompt)
        status = sh_run_input(shell);
    if (!prompt) return status;
    sh_interrupt_install(true);
    sh_prompt_run(shell, options->no_environment);
    return SH_OK;
}

/* A program whose output could not be written has failed. */
static sh_status flushed(const sh_shell *shell, sh_status status)
{
    bool bad = ferror(stdout);
    if (fflush(stdout) == 0 && !bad) return status;
    sh_complain(shell, "cannot write to standard output");
    return status == SH_OK ? SH_FAILED : status;
}

int main(int argc, char **argv)
{
    sh_options options;
    sh_shell shell;
    /* Numbers stay as Lua writes them; the rest is the user's. */
    setlocale(LC_CTYPE, "");
    sh_writes_install();
    if (!sh_options_read(&options, argc, argv)) {
        sh_options_free(&options);
        return SH_MISUSED;
    }
    if (options.help) sh_options_help();
    if (options.version) puts(SH_PROGRAM " " NB_VERSION);
    sh_status status = SH_OK;
    if (!options.help) {
        status = SH_FAILED;
        sh_interrupt_install(false);
        if (sh_shell_open(&shell, &options, argc, argv)) {
            status = flushed(&shell, run(&shell, &options, argc, argv));
            sh_ranks_leave(&shell, status);
            sh_shell_close(&shell);
        }
    }
    sh_options_free(&options);
    return (int)status;
}
