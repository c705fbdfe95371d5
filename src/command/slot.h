/* The cluster slot of a key: CRC16 (XMODEM) of the key or of its hash tag, modulo 16,384. */
#ifndef VOUCH_COMMAND_SLOT_H
#define VOUCH_COMMAND_SLOT_H

#include <stddef.h>
#include <stdint.h>

enum { SLOT_COUNT = 16384 };

/* Polynomial 0x1021, start 0, neither reflected nor inverted: "123456789" gives 0x31C3. */
uint16_t slot_crc16(const char *bytes, size_t n);

/*
 * 0 to SLOT_COUNT - 1. Keys are bytes: n may be 0 and NULs are like any other. The hash tag is what
 * stands between the first '{' and the first '}' after it, if that is not empty; else the whole key
 * counts.
 */
uint16_t slot_of(const char *key, size_t n);

/* Letters that, as a hash tag, put a key into this slot: for keys that have to be where another key is,
 * whatever that one is called (a tag made of a key breaks on keys with braces). */
enum { SLOT_TAG_SIZE = 4 };
void slot_tag(uint16_t slot, char tag[static SLOT_TAG_SIZE]);

#endif
