<?php

namespace Amm\Laravel\Tests\Unit;

use Amm\Laravel\Connections\Statement;
use PHPUnit\Framework\TestCase;

final class StatementTest extends TestCase
{
    /**
     * @dataProvider plainReads
     */
    public function test_plain_reads(string $sql): void
    {
        $this->assertTrue((new Statement($sql))->isPlainRead());
    }

    /**
     * @dataProvider everythingElse
     */
    public function test_everything_else_is_not_a_plain_read(string $sql): void
    {
        $this->assertFalse((new Statement($sql))->isPlainRead());
    }

    /**
     * @dataProvider refusedInParts
     */
    public function test_what_may_be_refused_in_parts(string $sql): void
    {
        $this->assertFalse((new Statement($sql))->isOne());
    }

    /**
     * @dataProvider refusedWhole
     */
    public function test_what_is_refused_as_a_whole(string $sql): void
    {
        $this->assertTrue((new Statement($sql))->isOne());
    }

    public static function plainReads(): array
    {
        return self::each([
            'select * from `users` where `id` = ? limit 1',
            '  (select 1) union (select 2)',
            "SELECT updated_at, deleted_at, insert_count FROM t;\n",
            'select * from `users` for update',
            'select * from `users` for share',
            'select * from `users` lock in share mode',
            'show tables',
            'explain select * from t',
            'with recursive t as (select 1) select * from t',
            "/* from the report */ -- daily\n select 1",
            'select sleep(1)',
        ]);
    }

    public static function everythingElse(): array
    {
        return self::each([
            '',
            'insert into t values (1)',
            'update t set a = 1',
            'delete from t',
            'replace into t values (1)',
            'call p()',
            'set names utf8',
            'with t as (select 1) delete from u',
            'with t as (select 1) update u set a = 1',
            'select * into outfile "/tmp/x" from t',
            'select a into @b from t',
            'select @a := 1',
            'select @@last_insert_id',
            'select last_insert_id()',
            'SELECT FOUND_ROWS()',
            'select get_lock("a", 1)',
            'select release_lock("a")',
            'select nextval(s)',
            'select next value for s',
            'explain analyze delete from t',
            'analyze table t',
            'select 1; delete from t',
            '/*!50000 delete from t */',
            'select 1 /*!; delete from t */',
            '/* select */ delete from t',
            "-- select 1\ndelete from t",
            'selectx',
        ]);
    }

    public static function refusedInParts(): array
    {
        return self::each(['call p()', ' /* a */ CALL p()', 'do f()', 'begin not atomic delete from t; end', 'delete from t; delete from u', '/*!50000 call p() */']);
    }

    public static function refusedWhole(): array
    {
        return self::each(['insert into t values (?)', 'update t set a = 1;', 'alter table t add b int', "delete from t ;\n"]);
    }

    private static function each(array $statements): array
    {
        return array_combine($statements, array_map(fn ($sql) => [$sql], $statements));
    }
}
