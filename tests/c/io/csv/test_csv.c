/* Would catch: cells cut in the wrong place, a row that is lost or believed, columns mixed up, and
 * memory that a hostile file makes the program take. What Python's csv makes of many more files
 * stands in tests/golden/csv.lua. */
#include "../files.h"

#include "io/csv/csv.h"
#include "io/csv/cut.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static nb_csv_options plain(void)
{
    return (nb_csv_options){.header = -1, .dtype = NB_F32};
}

static nb_table table;

static nb_status read_bytes(const void *data, size_t size, const nb_csv_options *options)
{
    nb_source *source = nb_source_memory(ctx, "t.csv", data, size);
    if (!source) return ctx->status;
    table = (nb_table){.x = NULL};
    nb_status status = nb_csv_read(ctx, source, options, &table);
    nb_source_close(source);
    return status;
}

static void read_text(const char *text, const nb_csv_options *options)
{
    if (read_bytes(text, strlen(text), options) != NB_OK) fail_msg("%s", ctx->message);
}

static void refuse(const char *text, const nb_csv_options *options, nb_status status,
                   const char *words)
{
    assert_int_equal(read_bytes(text, strlen(text), options), status);
    assert_null(table.x);
    if (!strstr(ctx->message, words)) fail_msg("'%s' lacks '%s'", ctx->message, words);
}

static void check(const nb_tensor *tensor, nb_dtype dtype, int64_t rows, int64_t columns,
                  const double *expected)
{
    assert_non_null(tensor);
    assert_int_equal(tensor->dtype, dtype);
    assert_int_equal(tensor->shape[0], rows);
    if (tensor->dims == 2) assert_int_equal(tensor->shape[1], columns);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++) {
            double value = nb_tensor_get(tensor, (int64_t[]){i, k});
            double wanted = expected[i * columns + k];
            if (!(value == wanted)) fail_msg("row %d column %d is %g", (int)i, (int)k, value);
        }
}

static void done(void)
{
    nb_table_free(ctx, &table);
}

static void numbers_alone(void **state)
{
    (void)state;
    nb_csv_options o = plain();
    read_text("1,2\n3,4.5\n", &o);
    check(table.x, NB_F32, 2, 2, (double[]){1, 2, 3, 4.5});
    assert_null(table.y);
    assert_null(table.columns);
    done();
    read_text("1", &o);
    check(table.x, NB_U8, 1, 1, (double[]){1});
    done();
}

/* In each the narrowest kind that holds all; the first rows must live through the change. */
static void kinds_of_numbers(void **state)
{
    (void)state;
    nb_csv_options o = plain();
    read_text("0\n255\n", &o);
    check(table.x, NB_U8, 2, 1, (double[]){0, 255});
    done();
    read_text("7\n256\n-2147483648\n", &o);
    check(table.x, NB_I32, 3, 1, (double[]){7, 256, -2147483648.0});
    done();
    read_text("7\n-1\n0.5\n", &o);
    check(table.x, NB_F32, 3, 1, (double[]){7, -1, 0.5});
    done();
    read_text("7\n2147483648\n", &o);
    check(table.x, NB_F32, 2, 1, (double[]){7, 2147483648.0});
    done();
    read_text("3\ninf\n", &o);
    check(table.x, NB_F32, 2, 1, (double[]){3, INFINITY});
    done();
    refuse("3\n1e39\n", &o, NB_EFORMAT, "row 2 (line 2), column 1: '1e39' is larger than any f32");
    o.dtype = NB_F64;
    read_text("3\n1e39\n0.1\n", &o);
    check(table.x, NB_F64, 3, 1, (double[]){3, 1e39, 0.1});
    done();
    refuse("3\n1e400\n", &o, NB_EFORMAT, "'1e400' is larger than any f64");
}

static void classes_in_order(void **state)
{
    (void)state;
    nb_csv_options o = plain();
    o.y = &(nb_csv_column){.name = "kind"};
    o.y_count = 1;
    read_text("a,kind\n1,dog\n2,cat\n3,dog\n", &o);
    check(table.x, NB_U8, 3, 1, (double[]){1, 2, 3});
    assert_int_equal(table.y->dtype, NB_I32);
    assert_int_equal(table.y->dims, 1);
    check(table.y, NB_I32, 3, 1, (double[]){2, 1, 2});
    assert_string_equal(table.classes->name[0], "cat");
    assert_string_equal(table.columns->name[0], "a");
    assert_string_equal(table.targets->name[0], "kind");
    done();
    o.classes = true;
    read_text("a,kind\n1,10\n2,9\n3,10\n", &o);
    check(table.y, NB_I32, 3, 1, (double[]){2, 1, 2});
    assert_string_equal(table.classes->name[0], "9");
    done();
    o.names = (const char *const[]){"dog", "eel", "cat"};
    o.name_count = 3;
    read_text("a,kind\n1,dog\n2,cat\n", &o);
    check(table.y, NB_I32, 2, 1, (double[]){1, 3});
    assert_int_equal(table.classes->count, 3);
    done();
    refuse("a,kind\n1,dog\n2,cow\n", &o, NB_EFORMAT,
           "row 2 (line 3), column 2 (kind): 'cow' is none of the 3 classes given");
}

static void targets_and_columns(void **state)
{
    (void)state;
    const nb_csv_column y[] = {{.name = "c"}, {.number = 1}}, x[] = {{.number = -1}, {.name = "b"}};
    nb_csv_options o = plain();
    o.y = y;
    o.y_count = 2;
    read_text("a,b,c,d\n1,2,3,4\n5,6,7,8\n", &o);
    check(table.x, NB_U8, 2, 2, (double[]){2, 4, 6, 8});
    check(table.y, NB_F32, 2, 2, (double[]){3, 1, 7, 5});
    done();
    o.x = x;
    o.x_count = 2;
    o.y_count = 1;
    read_text("a,b,c,d\nq,2,3,4\nr,6,7,8\n", &o);
    check(table.x, NB_U8, 2, 2, (double[]){4, 2, 8, 6});
    assert_int_equal(table.y->dims, 1);
    check(table.y, NB_F32, 2, 1, (double[]){3, 7});
    assert_string_equal(table.columns->name[0], "d");
    done();
    o.y = x;
    refuse("a,b,c,d\n1,2,3,4\n", &o, NB_EARG, "column 4 (d) is asked for twice in x and y");
    o.y = &(nb_csv_column){.name = "kind"};
    refuse("a,b,kinds,d\n1,2,3,4\n", &o, NB_EARG,
           "t.csv: unknown column 'kind'; did you mean 'kinds'?");
    refuse("1,2\n3,4\n", &o, NB_EARG, "t.csv has no header, so there is no column 'kind'");
    refuse("kind,kind\n3,4\n", &o, NB_EARG, "two columns 'kind', 1 and 2; say which by number");
    o.y = &(nb_csv_column){.number = 3};
    refuse("1,2\n3,4\n", &o, NB_EARG, "t.csv has 2 columns; there is no column 3");
    o.y = &(nb_csv_column){.number = 0};
    refuse("1,2\n3,4\n", &o, NB_EARG, "columns count from 1");
    o.x_count = 0;
    o.y = &(nb_csv_column){.number = 1};
    refuse("1\n3\n", &o, NB_EARG, "no column for x beside y");
}

/* Every way that lines end, with quotes that hold what else would end a cell. */
static void lines_and_quotes(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a,b\n1,2\n3,4\n",
        "a,b\r\n1,2\r\n3,4",
        "a,b\r1,2\r3,4\r",
        "\357\273\277a,b\n1,2\n3,4\n", /* a BOM */
        "\n\na,b\n\n1,2\r\n \n3,4\n\n",
        "\"a\",\"b\"\n\"1\",2\n3, \"4\" \n",
        "a,b\n 1 ,2\t\n3,4 ",
        "a;b\n1;2\n3;4\n",
        "a\tb\n1\t2\n3\t4\n",
        "a|b\n1|2\n3|4\n",
    };
    nb_csv_options o = plain();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        read_text(texts[i], &o);
        check(table.x, NB_U8, 2, 2, (double[]){1, 2, 3, 4});
        assert_string_equal(table.columns->name[0], "a");
        assert_string_equal(table.columns->name[1], "b");
        done();
    }
    o.y = &(nb_csv_column){.number = 2};
    o.y_count = 1;
    read_text("x,\"a \"\"b\"\"\n, c\"\n1,\"p,q\"\n2,\"r\n\"\"s\"\"\"\n", &o);
    assert_string_equal(table.targets->name[0], "a \"b\"\n, c");
    assert_string_equal(table.classes->name[0], "p,q");
    assert_string_equal(table.classes->name[1], "r\n\"s\"");
    done();
    refuse("x,y\n1,\"a\nb\nc\"\n2,d\n3,4,5\n", &o, NB_EFORMAT, "row 3 (line 6) has 3 cells");
}

static void what_is_found(void **state)
{
    (void)state;
    nb_csv_options o = plain();
    read_text("1,5;2,25\n3,5;4,75\n", &o);
    check(table.x, NB_F32, 2, 2, (double[]){1.5, 2.25, 3.5, 4.75});
    assert_null(table.columns);
    done();
    read_text("x;y\n1.5;2\n", &o);
    check(table.x, NB_F32, 1, 2, (double[]){1.5, 2});
    done();
    refuse("1,5;2\n1.5;2\n", &o, NB_EFORMAT, "numbers have a comma here; decimal = \".\"");
    refuse("1.5,\"1,5\"\n", &o, NB_EFORMAT, "'1,5' is no number: numbers have a point here");
    o.decimal = ',';
    read_text("\"1,5\",2\n", &o);
    check(table.x, NB_F32, 1, 2, (double[]){1.5, 2});
    done();
    o = plain();
    o.header = 1;
    read_text("1,2\n3,4\n", &o);
    check(table.x, NB_U8, 1, 2, (double[]){3, 4});
    assert_string_equal(table.columns->name[1], "2");
    done();
    o.header = 0;
    refuse("a,b\n3,4\n", &o, NB_EFORMAT, "row 1 (line 1), column 1: 'a' is no number");
    o = plain();
    o.comment = '#';
    read_text("# made by hand, on a Monday\na,b\n1,2\n# 5,6\n3,4\n#", &o);
    check(table.x, NB_U8, 2, 2, (double[]){1, 2, 3, 4});
    done();
}

static void missing_values(void **state)
{
    (void)state;
    const char *text = "a,b\n1,2\nNA,4\n4,?\n";
    nb_csv_options o = plain();
    refuse(text, &o, NB_EFORMAT,
           "t.csv: row 2 (line 3), column 1 (a): NA: the value is missing; missing = \"drop\"");
    refuse("1,2\n3,\n", &o, NB_EFORMAT, "row 2 (line 2), column 2: an empty cell: the value is");
    o.missing = NB_MISSING_DROP;
    read_text(text, &o);
    check(table.x, NB_U8, 1, 2, (double[]){1, 2});
    assert_int_equal(table.dropped, 2);
    done();
    refuse("a,b\nNA,1\n", &o, NB_EFORMAT, "missing in every row");
    o.missing = NB_MISSING_MEAN;
    read_text(text, &o);
    check(table.x, NB_F32, 3, 2, (double[]){1, 2, 2.5, 4, 4, 3});
    done();
    refuse("a,b\nNA,1\n,2\n", &o, NB_EFORMAT, "column 1 (a) has no mean");
    o.missing = NB_MISSING_NUMBER;
    o.fill = -1;
    read_text(text, &o);
    check(table.x, NB_I32, 3, 2, (double[]){1, 2, -1, 4, 4, -1});
    done();
    o.y = &(nb_csv_column){.name = "b"};
    o.y_count = 1;
    refuse(text, &o, NB_EFORMAT, "row 3 (line 4), column 2 (b): ?: the value is missing");
}

static void what_is_no_table(void **state)
{
    (void)state;
    nb_csv_options o = plain();
    refuse("", &o, NB_EFORMAT, "it holds no table");
    refuse("\n \r\n\n", &o, NB_EFORMAT, "it holds no table");
    refuse("a,b\n", &o, NB_EFORMAT, "no row below its header");
    refuse("a,b\n1,2\n3\n", &o, NB_EFORMAT, "row 2 (line 3) has 1 cell; the table has 2 columns");
    refuse("a,b\n1,x\n", &o, NB_EFORMAT, "row 1 (line 2), column 2 (b): 'x' is no number");
    refuse("a,b\n1,2\n1,2024-05-01\n", &o, NB_EFORMAT, "'2024-05-01' looks like a date");
    refuse("a,b\n1,2\n1,0x1F\n", &o, NB_EFORMAT, "'0x1F' is no number");
    refuse("a,b\n1,2\n1,\033[2J\n", &o, NB_EFORMAT, "'\\027[2J' is no number");
    refuse("a,b\n1,2\n3,\"4\n5,6\n", &o, NB_EFORMAT, "line 3: a quote opens there and is never");
    refuse("a,b\n1,2\n3,\"4\"5\n", &o, NB_EFORMAT, "line 3: something follows the quote");
    refuse("\xFF\xFE"
           "a",
           &o, NB_EFORMAT, "this is UTF-16; save it as UTF-8");
    refuse("a,\xE9\n1,2\n", &o, NB_EFORMAT, "the name of column 2, in line 1, is not UTF-8");
    assert_int_equal(read_bytes("a,b\n1,2\n3,\0"
                                "4\n",
                                14, &o),
                     NB_EFORMAT);
    assert_non_null(strstr(ctx->message, "line 3: a byte 0 stands there"));
    assert_int_equal(read_bytes("a,b\n1,2\n3,\"\0\"\n", 15, &o), NB_EFORMAT);
    assert_non_null(strstr(ctx->message, "line 3: a byte 0 stands there"));
}

/* A record of the most bytes is read, one of more refused; neither costs more than it holds. */
static void a_record_without_end(void **state)
{
    (void)state;
    nb_csv_options o = {.header = -1, .dtype = NB_F64};
    size_t size = NB_CSV_RECORD_MAX;
    char *text = malloc(size + (8 << 20));
    assert_non_null(text);
    memset(text, '7', size + (8 << 20));
    memcpy(text, "a\n", 2);
    text[2 + 300] = '\n';
    size_t before = ctx->memory.peak;
    assert_int_equal(read_bytes(text, size + (8 << 20), &o), NB_EFORMAT);
    assert_non_null(strstr(ctx->message, "that begins in line 3 has no end within 16 MiB"));
    assert_true(ctx->memory.peak < before + 4 * size);
    memset(text, ',', size);
    assert_int_equal(read_bytes(text, size, &o), NB_EFORMAT);
    assert_non_null(strstr(ctx->message, "more cells than a table can have columns"));
    assert_true(ctx->memory.peak < before + 6 * size);
    memset(text, ' ', size);
    memcpy(text, "5\n6", 3);
    text[size - 1] = '\n';
    if (read_bytes(text, size, &o) != NB_OK) fail_msg("%s", ctx->message);
    check(table.x, NB_U8, 2, 1, (double[]){5, 6});
    done();
    free(text);
}

/* Records that lie across the borders of what is at hand, in a file and packed. */
static void longer_than_what_is_at_hand(void **state)
{
    (void)state;
    enum { ROWS = 30000 };
    char *text = malloc(ROWS * 64), path[600];
    size_t size = 0, packed_size;
    nb_csv_options o = plain();
    o.y = &(nb_csv_column){.name = "k"};
    o.y_count = 1;
    size += (size_t)sprintf(text, "a,b,k\n");
    for (int i = 0; i < ROWS; i++)
        size += (size_t)sprintf(text + size, i % 3 ? "%d,%d.5,k%d\n" : "\"%d\",%d.5,\"k%d\"\r\n", i,
                                i / 7, i % 5);
    uint8_t *packed = gzip(text, size, &packed_size);
    strcpy(path, write_file("t.csv", text, size));
    write_file("t.csv.gz", packed, packed_size);
    for (int k = 0; k < 2; k++) {
        nb_source *source = nb_source_open(ctx, k ? path_of("t.csv.gz") : path);
        assert_int_equal(nb_csv_read(ctx, source, &o, &table), NB_OK);
        nb_source_close(source);
        assert_int_equal(table.x->shape[0], ROWS);
        for (int64_t i = 0; i < ROWS; i++) {
            assert_true(nb_tensor_get(table.x, (int64_t[]){i, 0}) == (double)i);
            assert_true(nb_tensor_get(table.x, (int64_t[]){i, 1}) == (double)(i / 7) + 0.5);
            assert_true(nb_tensor_get(table.y, (int64_t[]){i}) == (double)(i % 5 + 1));
        }
        done();
    }
    free(packed);
    free(text);
}

/* Rows of five bytes: the 262,144th, the last that is at hand first, is a CR whose LF is not. */
static void a_line_end_at_the_border(void **state)
{
    (void)state;
    enum { ROWS = 60000 };
    char *text = malloc(5 * ROWS + 2);
    assert_non_null(text);
    nb_csv_options o = plain();
    for (int i = 0; i < ROWS; i++) memcpy(text + 5 * i, "1,2\r\n", 5);
    memcpy(text + 5 * ROWS, "3", 2);
    refuse(text, &o, NB_EFORMAT, "row 60001 (line 60001) has 1 cell; the table has 2 columns");
    free(text);
}

/* Whatever a byte becomes, there is a table or an error. */
static void any_byte_changed(void **state)
{
    (void)state;
    const char text[] = "a,\"b\"\n1,2.5\n-3,\"4\"\r\n5,6e1\n";
    nb_csv_options o = plain();
    for (size_t at = 0; at < sizeof text - 1; at++) {
        for (int value = 0; value < 256; value++) {
            char changed[sizeof text];
            memcpy(changed, text, sizeof text);
            changed[at] = (char)value;
            nb_status status = read_bytes(changed, sizeof text - 1, &o);
            assert_true(status == NB_OK || status == NB_EFORMAT);
            if (status == NB_OK) assert_in_range(nb_tensor_count(table.x), 1, 12);
            done();
        }
    }
    for (size_t n = 0; n < sizeof text; n++) {
        read_bytes(text, n, &o);
        done();
    }
}

static nb_status attempt(void *arg)
{
    nb_csv_options o = plain();
    o.y = &(nb_csv_column){.name = "k"};
    o.y_count = 1;
    o.missing = NB_MISSING_MEAN;
    nb_status status = read_bytes(arg, strlen(arg), &o);
    done();
    return status;
}

static void memory_ending_at_every_request(void **state)
{
    (void)state;
    char text[] = "a,b,k\n1,2,x\n300,4,y\n2.5,NA,\"z\"\"\"\n1,1,v\n1,1,w\n2,2,u\n1,1,a\n1,1,b\n"
                  "1,1,c\n1,1,d\n1,1,e\n1,1,f\n1,1,g\n1,1,h\n1,1,i\n1,1,j\n1,1,l\n1,1,m\n";
    sweep_failing_requests(attempt, text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numbers_alone),
        TEST(kinds_of_numbers),
        TEST(classes_in_order),
        TEST(targets_and_columns),
        TEST(lines_and_quotes),
        TEST(what_is_found),
        TEST(missing_values),
        TEST(what_is_no_table),
        TEST(a_record_without_end),
        TEST(longer_than_what_is_at_hand),
        TEST(a_line_end_at_the_border),
        TEST(any_byte_changed),
        TEST(memory_ending_at_every_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
