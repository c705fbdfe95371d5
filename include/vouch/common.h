/* vouch/common.h: what every other public header needs: linkage, attributes, version.
 *
 * Conventions of all vouch headers
 *   - Handles are opaque. What `_new` or `_open` gives is the caller's; the matching `_free` or
 *     `_close` takes it back and accepts NULL.
 *   - Option structs start with `size`, set by their initialiser macro; a struct with size 0 is
 *     refused. In every other field 0 (or NULL) asks for the documented default.
 *   - Durations are int64_t milliseconds on the monotonic clock; sizes are size_t bytes.
 *   - "borrowed until X": the library keeps the pointer, the caller keeps the memory alive and
 *     unchanged until X. "copied": the caller may reuse its memory at once.
 *   - A client, its batches in flight and its operations belong to one thread at a time. Different
 *     clients share nothing. What may be called from elsewhere says so.
 */
#ifndef VOUCH_COMMON_H
#define VOUCH_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of these headers; vouch_version tells that of the library. */
#define VOUCH_VERSION_MAJOR 0 /* before 1, a minor version may change what programs see */
#define VOUCH_VERSION_MINOR 1 /* raised by what is new */
#define VOUCH_VERSION_PATCH 0 /* raised by what is mended */

#if defined(__GNUC__)
#define VOUCH_API  __attribute__((visibility("default")))
#define VOUCH_MUST __attribute__((warn_unused_result))
#else
#define VOUCH_API
#define VOUCH_MUST
#endif

#ifdef __cplusplus
#define VOUCH_BEGIN extern "C" {
#define VOUCH_END   }
#else
#define VOUCH_BEGIN
#define VOUCH_END
#endif

/* In an option that is a duration: no bound at all. */
#define VOUCH_NO_DEADLINE INT64_C(-1)

/* In place of the index of a command: none in particular. */
#define VOUCH_NO_COMMAND SIZE_MAX

VOUCH_BEGIN

/* "MAJOR.MINOR.PATCH" of the library at run time. Static. Never fails. */
VOUCH_API const char *vouch_version(void);

VOUCH_END
#endif
