/* script/trust.h: whether a script can answer with an error line of its author's choosing. Pure; linear;
 * no allocation. */
#ifndef SCRIPT_TRUST_H
#define SCRIPT_TRUST_H

#include <stdbool.h>
#include <stddef.h>

/* A server says that it does not have a script before it runs anything:
 *
 *     -NOSCRIPT No matching script. Please use EVAL.     Redis
 *     -NOSCRIPT No matching script.                      Valkey
 *
 * But a script can return this very line after it wrote, and then the line proves nothing. False: this
 * source, run as a script or loaded as a library, cannot return an error of its own making, nor one that it
 * caught, so whoever reads the line knows that it did not run. True: it can, or it cannot be told. A true
 * that is not so costs a round trip; a false that is not so would lose the promise.
 *
 * Two things lie outside of what can be read here: another script that changes what strings can do for all
 * scripts (getmetatable("") on servers that allow it), and a module's command that answers this line inside
 * an array. */
bool script_can_forge(const char *source, size_t size);

#endif
