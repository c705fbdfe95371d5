/*
 * command/slot: keys fall into the slots that servers put them into.
 */
#include "command/slot.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct vector {
    const char *key;
    size_t length;
    unsigned slot;
};

#define TEXT(t) (t), sizeof(t) - 1

/* As CLUSTER KEYSLOT answers. */
static const struct vector known[] = {
    {TEXT("foo"), 12182}, {TEXT("bar"), 5061}, {TEXT("hello"), 866},        {TEXT("a"), 15495},
    {TEXT(""), 0},        {TEXT("{}"), 15257}, {TEXT("123456789"), 0x31c3},
};

/* Random keys of any bytes, with many braces among them, as CLUSTER KEYSLOT of Redis 7.0 and 8.0 and of
 * Valkey 8.0 and 9.1 answered. */
/* clang-format off */
static const struct vector from_servers[] = {
    {"\173\173\173\173\175\173\175\173\175\175\173\175\173", 13, 13222},
    {"\173\173\175\173\173\173\175\175\175\175\175\175\173", 13, 4092},
    {"\175\173\173\173\175", 5, 7007},
    {"\142\173\141\142\175\142\173\175", 8, 13567},
    {"\173\173\175", 3, 4092},
    {"\141\142\173\175\141\175\142\173", 8, 13531},
    {"\173\173\173\173\175\173\173\175\173\173\173\173\173", 13, 13222},
    {"\173\175", 2, 15257},
    {"\173\173\173\175\173\173\173\173\175\175\173\175\175", 13, 7007},
    {"\173\173\175\173\175", 5, 4092},
    {"\175\141\142\173\175\175\142\142\141\141\142\175\175", 13, 7402},
    {"\175\175\000\000\377\175\377\173\000\000\000\173\000", 13, 9880},
    {"\377\173\175", 3, 13562},
    {"\175\173\175\173\175\175\173\175", 8, 2483},
    {"\173\377\175", 3, 7920},
    {"\173\173\173\000\377\173\175\377\173\377\175\377\175", 13, 8464},
    {"\175\173\173\173\175\175\175\175", 8, 7007},
    {"\173\175\175", 3, 14790},
    {"\142\142\173\175\173", 5, 12517},
    {"\142\173\173\175\142", 5, 4092},
    {"\175\175\175\175\173\173\173\173\173\173\173\175\175", 13, 6283},
    {"\377\175\377\000\175\173\173\377", 8, 14274},
    {"\175\173\175\175\175\141\173\142", 8, 4586},
    {"\173\175\175\173\175\175\173\173", 8, 2203},
    {"\175\142\141\175\173\175\173\173", 8, 3769},
    {"\173\175\142\141\141", 5, 15133},
    {"\175\175\175\141\142\173\173\141", 8, 1078},
    {"\173\000\175\173\175\377\175\377", 8, 0},
    {"\377\000\000\175\173\173\173\173\377\000\377\175\173", 13, 15038},
    {"\173\173\173\175\173\173\173\175\173\173\173\175\173", 13, 7007},
    {"\141\175\142\175\141\175\175\175\173\142\141\173\175", 13, 748},
    {"\000\175\377\173\175\173\175\173", 8, 10590},
    {"\175\000", 2, 15877},
    {"\173\377", 2, 2643},
    {"\214\314\136\205\074\204\204\200", 8, 15213},
    {"\377", 1, 7920},
    {"\371", 1, 15926},
    {"\143\104\342\006\153", 5, 10841},
    {"\137\162\217", 3, 15523},
    {"\377\173\173\173\377", 5, 9327},
    {"\173\173\377\000\377\377\173\173", 8, 8909},
    {"\377\377", 2, 7439},
    {"\102\250\320\274\155\376\140\152", 8, 12468},
    {"\253\133\115\030\052\065\301\021", 8, 1311},
    {"\277\033\350\102\275", 5, 6711},
    {"\341\007\125\016\313\157\074\051\154\072\373\170\124", 13, 13843},
    {"\377\377\175", 3, 9126},
    {"\173\173\377", 3, 8874},
    {"\004\246\026\204\352\174\062\046", 8, 12687},
    {"\355\327\106\054\301", 5, 1715},
    {"\112\272\043", 3, 16299},
    {"\352\272\033\061\353\377\122\213", 8, 590},
    {"\370\137\064", 3, 8869},
    {"\270\232\267\374\127\306\142\312", 8, 10452},
    {"\102\336", 2, 285},
    {"\000\000\377", 3, 7920},
    {"\000\377\377\000\173", 5, 2876},
    {"\000\377\000\377\175", 5, 10086},
    {"\000\377\173\377\377\377\173\000", 8, 10627},
    {"\376\105\101\125\125\000\040\102\147\257\111\357\033", 13, 12075},
    {"\000\173\377", 3, 2643},
    {"\225", 1, 4892},
    {"\116\347\132\045\363\043\323\016", 8, 3758},
    {"\313\121\335\217\305\035\347\001\263\332\260\310\372", 13, 5326},
};
/* clang-format on */

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* A copy that ends where the key does, so that a sanitizer sees a read beyond. */
static unsigned slot_of_copy(const char *key, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, key, n);
    unsigned slot = slot_of(copy, n);
    free(copy);
    return slot;
}

START_TEST(the_check_value_of_crc16_xmodem)
{
    ck_assert_uint_eq(slot_crc16(TEXT("123456789")), 0x31c3);
    ck_assert_uint_eq(slot_crc16(NULL, 0), 0);
    ck_assert_uint_eq(slot_crc16(TEXT("\0")), 0);
    ck_assert_uint_eq(slot_crc16(TEXT("\1")), 0x1021);
    ck_assert_uint_eq(slot_crc16(TEXT("\377")), 0x1ef0);
}
END_TEST

START_TEST(known_keys_have_their_slots)
{
    ck_assert_uint_eq(slot_of_copy(known[_i].key, known[_i].length), known[_i].slot);
}
END_TEST

START_TEST(keys_of_any_bytes_have_the_slots_servers_say)
{
    const struct vector *v = &from_servers[_i];
    ck_assert_uint_eq(slot_of_copy(v->key, v->length), v->slot);
}
END_TEST

/* The second key is what of the first is hashed, and has no tag itself. */
static const struct {
    const char *key, *hashed;
} tags[] = {
    {"{user1000}.following", "user1000"},
    {"a{b}c", "b"},
    {"{b}", "b"},
    {"a{b}c{d}", "b"},
    {"{{bar}}z", "{bar"},
    {"foo{{bar}}z", "{bar"},
    {"}{x}", "x"},
    {"}}a{x}}", "x"},
    {"a{ }", " "},
};

START_TEST(a_hash_tag_stands_between_the_first_brace_and_its_first_partner)
{
    const char *hashed = tags[_i].hashed;
    unsigned expected = slot_crc16(hashed, strlen(hashed)) % SLOT_COUNT;
    ck_assert_uint_eq(slot_of_copy(tags[_i].key, strlen(tags[_i].key)), expected);
}
END_TEST

static const char *const untagged[] = {
    "foo{}{bar}", "{}", "{", "}", "a{", "a}b{", "{a", "a{b", "}a{", "{}a}", "{}{}", "a{}b",
};

START_TEST(without_a_tag_the_whole_key_counts)
{
    const char *key = untagged[_i];
    unsigned expected = slot_crc16(key, strlen(key)) % SLOT_COUNT;
    ck_assert_uint_eq(slot_of_copy(key, strlen(key)), expected);
}
END_TEST

START_TEST(nul_bytes_are_like_any_other)
{
    ck_assert_uint_eq(slot_of_copy(TEXT("x\0{b}")), slot_of(TEXT("b")));
    ck_assert_uint_eq(slot_of_copy(TEXT("{\0}b")), slot_crc16(TEXT("\0")));
    ck_assert_uint_ne(slot_of_copy(TEXT("b\0")), slot_of(TEXT("b")));
    ck_assert_uint_eq(slot_of(NULL, 0), 0);
}
END_TEST

/* As keys have them: within braces, whatever follows. */
START_TEST(every_slot_has_a_tag)
{
    char key[] = "vouch:{????}}token{x}", tag[SLOT_TAG_SIZE + 1] = "";
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        slot_tag((uint16_t)slot, tag);
        memcpy(key + 7, tag, SLOT_TAG_SIZE);
        if (slot_of(key, sizeof key - 1) != slot || strspn(tag, "@ABCDEFGHIJKLMNO") != 4)
            ck_abort_msg("slot %u has the tag %s", slot, tag);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slot");
    TCase *slots = tcase_create("slots");
    tcase_add_test(slots, the_check_value_of_crc16_xmodem);
    tcase_add_loop_test(slots, known_keys_have_their_slots, 0, COUNT(known));
    tcase_add_loop_test(slots, keys_of_any_bytes_have_the_slots_servers_say, 0,
                        COUNT(from_servers));
    tcase_add_loop_test(slots, a_hash_tag_stands_between_the_first_brace_and_its_first_partner, 0,
                        COUNT(tags));
    tcase_add_loop_test(slots, without_a_tag_the_whole_key_counts, 0, COUNT(untagged));
    tcase_add_test(slots, nul_bytes_are_like_any_other);
    tcase_add_test(slots, every_slot_has_a_tag);
    suite_add_tcase(suite, slots);

    return suite_run(suite, CK_FORK_GETENV);
}
