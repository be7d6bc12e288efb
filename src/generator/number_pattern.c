#include "generator/number_pattern.h"

#include <inttypes.h>

/* The numbers whose last `free_digits` digits are free, below one digit that runs from low to high. */
struct block {
    uint64_t prefix; /* the digits before; 0: none */
    unsigned low, high;
    unsigned free_digits, free_digits_max;
};

/* The largest power of ten that divides `value` (more than 0), so that its multiples stay in range. */
static uint64_t
block_step(uint64_t value, uint64_t max, unsigned *ret_free_digits)
{
    uint64_t step = 1;
    *ret_free_digits = 0;
    while (value % (step * 10) == 0 && value + (step * 10 - 1) <= max) {
        step *= 10;
        (*ret_free_digits)++;
    }
    return step;
}

/* The block that begins with `value`; returns what comes behind it. */
static uint64_t
block_take(uint64_t value, uint64_t max, struct block *ret_block)
{
    uint64_t step = block_step(value, max, &ret_block->free_digits);
    ret_block->prefix = value / step / 10;
    ret_block->low = ret_block->high = (unsigned)(value / step % 10);
    ret_block->free_digits_max = ret_block->free_digits;
    value += step;
    while (ret_block->high < 9 && value + (step - 1) <= max) {
        ret_block->high++;
        value += step;
    }
    return value;
}

/* 1-9, 10-99, 100-999 are one block of a varying length. */
static uint64_t
block_extend(uint64_t value, uint64_t max, struct block *b)
{
    bool is_whole = b->prefix == 0 && b->low == 1 && b->high == 9;
    while (is_whole && value * 10 - 1 <= max) {
        value *= 10;
        b->free_digits_max++;
    }
    return value;
}

static int
block_write(const struct block *b, struct buf *out)
{
    int err = 0;
    if (b->prefix > 0) {
        err = buf_append_u64(out, b->prefix);
    }
    if (err == 0 && b->low == b->high) {
        err = buf_append_u64(out, b->low);
    } else if (err == 0) {
        err = buf_printf(out, "[%u-%u]", b->low, b->high);
    }
    if (err != 0 || b->free_digits_max == 0) {
        return err;
    }
    if (b->free_digits == 1 && b->free_digits_max == 1) {
        return buf_append_str(out, STR("[0-9]"));
    }
    return b->free_digits == b->free_digits_max
               ? buf_printf(out, "[0-9]{%u}", b->free_digits)
               : buf_printf(out, "[0-9]{%u,%u}", b->free_digits, b->free_digits_max);
}

int
number_pattern(uint64_t min, uint64_t max, struct buf *out)
{
    int err = 0;
    if (min == 0) {
        err = buf_append_char(out, '0');
        min = 1;
        if (err == 0 && min <= max) {
            err = buf_append_char(out, '|');
        }
    }
    while (err == 0 && min <= max) {
        struct block block;
        min = block_take(min, max, &block);
        min = block_extend(min, max, &block);
        err = block_write(&block, out);
        if (err == 0 && min <= max) {
            err = buf_append_char(out, '|');
        }
    }
    return err;
}
