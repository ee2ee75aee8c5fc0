/* The user's editor, on a file of his own or on one that lasts as long as it does. */
#include "shell/editor.h"

#include "base/text.h"
#include "shell/screen/say.h"
#include "shell/system.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 20 }; /* bytes of an input that come back from the editor */

static const char *editor(void)
{
    const char *named = getenv("VISUAL");
    if (!named || !*named) named = getenv("EDITOR");
    return named && *named ? named : "vi";
}

/* Between apostrophes, for the system's shell. */
static void add_quoted(nb_text *out, const char *word)
{
    nb_text_add(out, " '");
    for (; *word; word++)
        if (*word == '\'')
            nb_text_add(out, "'\\''");
        else
            nb_text_add_bytes(out, word, 1);
    nb_text_add(out, "'");
}

bool sh_editor_open(sh_shell *shell, const char *path)
{
    nb_text command;
    nb_text_init(&command, shell->ctx);
    nb_text_add(&command, "%s", editor());
    add_quoted(&command, path);
    int status = command.failed ? -1 : sh_system(shell, nb_text_get(&command));
    nb_text_free(&command);
    if (status == SH_NOT_FOUND)
        sh_complain(shell, "there is no editor; name yours in EDITOR");
    else if (status != 0)
        sh_complain(shell, "the editor did not end well, so nothing is run");
    return status == 0;
}

/* The bytes of a file as a string, to be freed; NULL when they cannot be had. */
static char *read_file(const char *path)
{
    char *text = malloc(TEXT_MAX + 1);
    FILE *file = text ? fopen(path, "r") : NULL;
    size_t length = file ? fread(text, 1, TEXT_MAX, file) : 0;
    bool whole = file && !ferror(file) && feof(file);
    if (file) fclose(file);
    if (!whole) {
        free(text);
        return NULL;
    }
    while (length && text[length - 1] == '\n') length--;
    text[length] = '\0';
    return text;
}

static bool write_all(int file, const char *text)
{
    size_t length = strlen(text);
    bool fine = write(file, text, length) == (ssize_t)length && write(file, "\n", 1) == 1;
    return close(file) == 0 && fine;
}

char *sh_editor_run(sh_shell *shell, const char *text)
{
    char path[4096], *out = NULL;
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/nabla-XXXXXX.lua", folder && *folder ? folder : "/tmp");
    int file = mkstemps(path, (int)strlen(".lua"));
    if (file < 0 || !write_all(file, text)) {
        sh_complain(shell, strerror(errno));
    } else if (sh_editor_open(shell, path)) {
        out = read_file(path);
        if (!out) sh_complain(shell, "the edited text cannot be read");
    }
    if (file >= 0) unlink(path);
    return out;
}
