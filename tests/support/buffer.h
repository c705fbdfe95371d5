#ifndef TS_BUFFER_H
#define TS_BUFFER_H

#include <stddef.h>

/* Bytes that grow at the end and are taken from the front. A zeroed one is empty and valid. */
typedef struct ts_buffer {
    char *data; /* the allocation; may be NULL */
    size_t begin;
    size_t end;
    size_t capacity;
} ts_buffer;

/* The bytes held, ts_buffer_length of them; valid until the next call that changes the buffer. */
char *ts_buffer_bytes(const ts_buffer *buffer);
size_t ts_buffer_length(const ts_buffer *buffer);
void ts_buffer_add(ts_buffer *buffer, const void *bytes, size_t length);
/* Adds what printf would print, however long. */
__attribute__((format(printf, 2, 3))) void ts_buffer_print(ts_buffer *buffer, const char *format,
                                                           ...);
/* Room for `length` more bytes; fill it, then tell how many with ts_buffer_grew. */
char *ts_buffer_room(ts_buffer *buffer, size_t length);
void ts_buffer_grew(ts_buffer *buffer, size_t length);
/* Takes `length` bytes off the front; at most as many as are held. */
void ts_buffer_take(ts_buffer *buffer, size_t length);
void ts_buffer_free(ts_buffer *buffer);

#endif
