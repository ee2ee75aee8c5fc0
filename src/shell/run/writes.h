/* Signals of writes: SIGPIPE and SIGXFSZ are errors of the write, not the end of the session. A
 * pipe that takes the program's own output is the exception: without its reader nobody wants the
 * rest, and the program ends as one that knows nothing of signals does. */
#ifndef SH_WRITES_H
#define SH_WRITES_H

/* Before anything is written. What was ignored when the program started stays so. */
void sh_writes_install(void);

#endif
