/* The terminal while a line is read. It sends no signals meanwhile: Ctrl-C is a key like any other,
 * so that keys before and after it keep their order and none is lost. SIGINT from elsewhere, like
 * the other signals that concern the line, is blocked and read from a signalfd, before the
 * keyboard. */
#ifndef SH_TTY_H
#define SH_TTY_H

typedef enum sh_waited {
    SH_WAITED_KEY, /* or the end of input: there is something to read */
    SH_WAITED_CTRL_C,
    SH_WAITED_LONG /* neither, in that time */
} sh_waited;

/* Settings of Readline's that last; before the first line. */
void sh_tty_open(void);
/* A line begins, and ends: between them signals are heeded. */
void sh_tty_begin(void);
void sh_tty_end(void);
/* Waits for a key or a Ctrl-C from elsewhere; other signals are seen to meanwhile. Negative
 * milliseconds: for as long as it takes. */
sh_waited sh_tty_wait(int milliseconds);

#endif
