/* Numbers below the smallest normal one: of f32 1.2e-38, of f64 2.2e-308. x86-64 takes some 150
 * cycles for an operation on one, so what fades away slowly, a gradient over many steps or a mean
 * of slopes that stay 0, would slow everything down on its way to 0 (means of Adam's for ever: 0.9
 * times the smallest number is rounded to itself). Between nb_tiny_skip and nb_tiny_set what this
 * thread computes is 0 where it would be one, and with it what the pieces do that it hands to
 * workers; those that are given are taken for what they are, so that their sign and slope hold.
 * Processors to which they cost nothing keep them. */
#ifndef NB_TINY_H
#define NB_TINY_H

#if defined(__SSE2__)
#include <xmmintrin.h>

enum { NB_TINY_RESULTS = 0x8000 }; /* of the control register: become 0 */

/* How this thread takes them. */
static inline unsigned nb_tiny_get(void)
{
    return _mm_getcsr();
}

static inline void nb_tiny_set(unsigned how)
{
    _mm_setcsr(how);
}

/* Gives what nb_tiny_set puts back. */
static inline unsigned nb_tiny_skip(void)
{
    unsigned was = _mm_getcsr();
    _mm_setcsr(was | NB_TINY_RESULTS);
    return was;
}
#else
static inline unsigned nb_tiny_get(void)
{
    return 0;
}

static inline void nb_tiny_set(unsigned how)
{
    (void)how;
}

static inline unsigned nb_tiny_skip(void)
{
    return 0;
}
#endif

#endif
