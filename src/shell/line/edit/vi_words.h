/* vi's w b e and W B E, in an input that may have several lines. Readline's own take a newline for
 * a word, and have no end where bytes at the end are in no character. */
#ifndef SH_VI_WORDS_H
#define SH_VI_WORDS_H

/* Puts the commands on their keys. */
void sh_vi_words_open(void);

#endif
