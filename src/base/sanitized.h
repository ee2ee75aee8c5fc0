/* Which sanitizers this is compiled with: gcc says it by macros, clang by features. */
#ifndef NB_SANITIZED_H
#define NB_SANITIZED_H

#ifdef __has_feature
#define NB_HAS_FEATURE(name) __has_feature(name)
#else
#define NB_HAS_FEATURE(name) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || NB_HAS_FEATURE(address_sanitizer)
#define NB_WITH_ASAN 1
#else
#define NB_WITH_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__) || NB_HAS_FEATURE(thread_sanitizer)
#define NB_WITH_TSAN 1
#else
#define NB_WITH_TSAN 0
#endif

#endif
