/* What one place of a source looks like. Control characters, bytes that are no UTF-8, and characters that nobody
 * sees or that turn the line around are shown by their bytes: what is printed is what is there. */
#include "lint/tool/utf8.h"

size_t utf8_read(const char *text, size_t size, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    size_t n = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (!n || n > size || first > 0xf4)
        return 0;
    uint32_t p = n == 1 ? first : first & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c & 0xc0) != 0x80)
            return 0;
        p = p << 6 | (c & 0x3fu);
    }
    if (p < least[n] || p > 0x10ffff || (p >= 0xd800 && p <= 0xdfff))
        return 0;
    *point = p;
    return n;
}

struct range {
    uint32_t from, to;
};

static bool is_in(const struct range *ranges, size_t n, uint32_t point)
{
    for (size_t i = 0; i < n; i++)
        if (point >= ranges[i].from && point <= ranges[i].to)
            return true;
    return false;
}

/* C0, DEL and C1; joiners, marks and overrides of direction; separators of lines; the byte order mark; tags. */
static const struct range unseen[] = {
    {0x00, 0x08},     {0x0a, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},
    {0x61c, 0x61c},   {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},
    {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff},
};

/* Those that are drawn over what is before them. */
static const struct range combining[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x610, 0x61a},
    {0x64b, 0x65f},   {0x93c, 0x93c},   {0x941, 0x948},   {0x94d, 0x94d},
    {0xe31, 0xe31},   {0xe34, 0xe3a},   {0xe47, 0xe4e},   {0x1ab0, 0x1aff},
    {0x1dc0, 0x1dff}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f},
};

/* East Asian scripts and pictures take two cells. */
static const struct range wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},
    {0x4e00, 0x9fff},   {0xa000, 0xa4cf},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},
    {0xfe30, 0xfe6f},   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
    {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd},
};

#define RANGES(ranges) (ranges), sizeof(ranges) / sizeof((ranges)[0])

struct glyph glyph_at(const char *text, size_t size)
{
    uint32_t point = 0;
    size_t n = utf8_read(text, size, &point);
    if (!n)
        return (struct glyph){1, 4, true};
    if (point == '\t')
        return (struct glyph){1, 0, false};
    if (is_in(RANGES(unseen), point))
        return (struct glyph){n, (unsigned)(4 * n), true};
    if (point < 0x300)
        return (struct glyph){n, 1, false};
    return (struct glyph){n,
                          is_in(RANGES(combining), point) ? 0
                          : is_in(RANGES(wide), point)    ? 2
                                                          : 1,
                          false};
}

struct glyph glyph_before(const char *text, size_t at)
{
    for (size_t n = 2; n <= 4 && n <= at; n++) {
        uint32_t point;
        if (((unsigned char)text[at - n] & 0xc0) != 0x80 &&
            utf8_read(text + at - n, n, &point) == n)
            return glyph_at(text + at - n, n);
    }
    return glyph_at(text + at - 1, 1);
}
