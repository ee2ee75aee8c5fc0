/* The machine's bandwidth: memcpy between two blocks far larger than the caches. Not part of
 * nabla. Says "ready", then, for every line, the bytes that it reads and writes in one second of
 * processor time: two for each that is copied.
 *
 * usage: copy BYTES */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE = 64 };

#define LEAST_SECONDS 0.02

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Both directions in turn, so that the blocks stay what the compiler cannot know. */
static double rate(char *a, char *b, size_t bytes)
{
    double began = now(), moved = 0, seconds;
    do {
        memcpy(a, b, bytes);
        memcpy(b, a, bytes);
        moved += 2 * 2 * (double)bytes;
        seconds = now() - began;
    } while (seconds < LEAST_SECONDS);
    return moved / seconds;
}

int main(int argc, char **argv)
{
    long bytes = argc == 2 ? atol(argv[1]) : 0;
    if (bytes < 1) {
        fprintf(stderr, "usage: copy BYTES\n");
        return 2;
    }
    char line[LINE], *a = malloc((size_t)bytes), *b = malloc((size_t)bytes);
    if (!a || !b) {
        fprintf(stderr, "copy: not enough memory\n");
        return 1;
    }
    memset(a, 1, (size_t)bytes);
    memset(b, 2, (size_t)bytes);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        printf("%.0f\n", rate(a, b, (size_t)bytes));
        fflush(stdout);
    }
    free(a);
    free(b);
    return 0;
}
