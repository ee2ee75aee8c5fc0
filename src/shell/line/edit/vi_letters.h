/* vi's commands that go over letters or change them, in an input that may have several lines. */
#ifndef SH_VI_LETTERS_H
#define SH_VI_LETTERS_H

/* Puts the commands on their keys. */
void sh_vi_letters_open(void);
/* Between two commands: Readline takes the cursor back from behind the last letter of all, which
 * leaves an empty last line. */
void sh_vi_letters_mend(void);

#endif
