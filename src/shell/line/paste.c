/* A bracketed paste. */
#include "shell/line/paste.h"

#include "shell/line/character.h"
#include "shell/line/keys.h"
#include "shell/line/tty.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    MARK = sizeof SH_PASTE_ENDS - 1, /* bytes */
    AT_ONCE = 4096,
    /* Milliseconds. A Ctrl-C with more behind it, up to the mark, was pasted too; where nothing
     * more comes it was typed, because the mark has been lost. */
    PAUSE = 50
};

typedef struct paste {
    char *text;
    size_t length, room, most;
    size_t seen; /* bytes of the mark that ends it */
    bool ctrl_c; /* there was one, and it stands at `cut` */
    size_t cut;
    bool too_long; /* the text is not kept */
} paste;

static void leave_out(paste *p)
{
    p->too_long = true;
    p->length = p->cut = 0;
}

/* There is always room for an end behind the text. */
static void add(paste *p, char byte)
{
    if (p->too_long) return;
    if (p->room - p->length < 2) {
        size_t room = 2 * p->room + AT_ONCE;
        char *wider = realloc(p->text, room);
        if (!wider) {
            leave_out(p);
            return;
        }
        p->text = wider;
        p->room = room;
    }
    p->text[p->length++] = byte;
    if (p->length > p->most + MARK) leave_out(p);
}

/* Takes what was read. True: the mark was in it; what stands behind it are keys again. */
static bool take(paste *p, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == SH_CTRL_C && !p->ctrl_c) {
            p->ctrl_c = true;
            p->cut = p->length;
        }
        if (bytes[i] != SH_PASTE_ENDS[p->seen]) p->seen = 0;
        if (bytes[i] == SH_PASTE_ENDS[p->seen]) p->seen++;
        add(p, bytes[i]);
        if (p->seen < MARK) continue;
        if (!p->too_long) p->length -= MARK;
        sh_keys_give_back(bytes + i + 1, count - i - 1);
        return true;
    }
    return false;
}

/* The paste ends where Ctrl-C was typed; what was typed behind it are keys. */
static void cut_at_ctrl_c(paste *p)
{
    if (p->too_long) return;
    sh_keys_give_back(p->text + p->cut + 1, p->length - p->cut - 1);
    p->length = p->cut;
}

static sh_paste_end read_paste(paste *p)
{
    char bytes[AT_ONCE];
    for (;;) {
        sh_waited waited = sh_tty_wait(p->ctrl_c ? PAUSE : -1);
        if (waited != SH_WAITED_KEY) {
            if (p->ctrl_c) cut_at_ctrl_c(p);
            return SH_PASTE_CTRL_C;
        }
        ssize_t count = sh_keys_read(bytes, sizeof bytes);
        if (count == 0) return SH_PASTE_OVER;
        if (count > 0 && take(p, bytes, (size_t)count)) return SH_PASTE_MARK;
    }
}

/* The ends of lines are newlines, however they were written, and a NUL would end the text. */
static void clean(paste *p)
{
    char *to = p->text;
    bool after_cr = false;
    for (size_t i = 0; i < p->length; i++) {
        char byte = p->text[i];
        bool skipped = !byte || (byte == '\n' && after_cr);
        after_cr = byte == '\r';
        if (!skipped) *to++ = after_cr ? '\n' : byte;
    }
    *to = '\0';
    sh_drop_halves(p->text);
}

sh_paste_end sh_paste_read(size_t most, char **text)
{
    paste p = {.most = most};
    sh_paste_end end = read_paste(&p);
    if (p.length > 0) {
        clean(&p);
    } else {
        free(p.text);
        p.text = NULL;
    }
    *text = p.text;
    return p.too_long && end == SH_PASTE_MARK ? SH_PASTE_LONG : end;
}
