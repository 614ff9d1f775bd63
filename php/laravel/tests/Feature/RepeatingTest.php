<?php

namespace Amm\Laravel\Tests\Feature;

use Amm\Exception\WriteInDoubt;
use Amm\Laravel\Tests\ClusterTestCase;
use FakeServer;
use Illuminate\Database\Connection;
use Illuminate\Database\Events\StatementPrepared;
use Illuminate\Database\QueryException;
use PDOException;

final class RepeatingTest extends ClusterTestCase
{
    private const READ_ONLY = ['do' => 'error', 'errno' => 1290, 'message' => 'The MySQL server is running with the --super-read-only option so it cannot execute this statement'];

    private const NOT_READY = ['do' => 'error', 'errno' => 1047, 'message' => 'WSREP has not yet prepared node for application use'];

    private FakeServer $first;

    private FakeServer $second;

    private Connection $connection;

    protected function setUp(): void
    {
        parent::setUp();

        [$this->first, $this->second] = $this->servers(2);

        $this->connection = $this->connectionTo([$this->first, $this->second]);
        $this->connection->getPdo();
        $this->assertCount(1, $this->first->log('/^connect/'));
    }

    /**
     * @dataProvider refusals
     */
    public function test_a_refused_write_is_repeated_on_the_next_writer(string $phase, array $refusal): void
    {
        $this->first->obey(['phase' => $phase, 'match' => '/insert/'] + $refusal);

        $this->connection->insert('insert into t values (?)', [7]);

        $this->assertCount(1, $this->second->log('/^execute: insert/'));
        $this->assertEquals($this->second->port, $this->connection->selectOne('select port')->port, 'and it stays there');
    }

    public static function refusals(): array
    {
        return [
            'when executed' => ['execute', self::READ_ONLY],
            'when prepared' => ['prepare', self::READ_ONLY],
            'not ready' => ['execute', self::NOT_READY],
        ];
    }

    public function test_a_refused_unprepared_write_is_repeated(): void
    {
        $this->first->obey(['phase' => 'query', 'match' => '/alter/'] + self::READ_ONLY);

        $this->connection->unprepared('alter table t add b int');

        $this->assertCount(1, $this->second->log('/^query: alter/'));
    }

    public function test_it_is_repeated_once_only(): void
    {
        foreach ([$this->first, $this->second] as $server) {
            $server->obey(['phase' => 'execute', 'match' => '/insert/'] + self::READ_ONLY);
        }

        $this->assertSame(1290, $this->failure(fn () => $this->connection->insert('insert into t values (1)'))->errorInfo[1]);
        $this->assertCount(1, $this->first->log('/^execute: insert/'));
        $this->assertCount(1, $this->second->log('/^execute: insert/'));
    }

    public function test_a_repeated_write_that_is_lost_is_in_doubt(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/insert/'] + self::READ_ONLY);
        $this->second->obey(['phase' => 'execute', 'match' => '/insert/', 'do' => 'close']);

        try {
            $this->connection->insert('insert into t values (1)');
            $this->fail('no exception');
        } catch (WriteInDoubt $e) {
            $this->assertStringContainsString($this->second->id(), $e->getMessage());
        }

        $this->assertCount(1, $this->first->log('/^execute: insert/'));
        $this->assertCount(1, $this->second->log('/^execute: insert/'));
    }

    /**
     * @dataProvider refusedInParts
     */
    public function test_what_may_have_been_refused_halfway_is_not_repeated(string $method, string $sql): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/call/'] + self::READ_ONLY, ['phase' => 'query', 'match' => '/delete/'] + self::READ_ONLY);

        $this->assertSame(1290, $this->failure(fn () => $this->connection->{$method}($sql))->errorInfo[1]);
        $this->assertSame([], $this->second->log('/call|delete/'));
    }

    public static function refusedInParts(): array
    {
        return [['statement', 'call p()'], ['unprepared', 'delete from t; delete from u']];
    }

    public function test_a_write_lost_after_it_was_sent_is_in_doubt(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/insert/', 'do' => 'close']);

        try {
            $this->connection->insert('insert into t values (?)', [7]);
            $this->fail('no exception');
        } catch (WriteInDoubt $e) {
            $this->assertStringContainsString($this->first->id(), $e->getMessage());
            $this->assertInstanceOf(QueryException::class, $e->getPrevious());
        }

        $this->assertCount(1, $this->first->log('/^execute: insert/'));
        $this->assertSame([], $this->second->log('/insert/'));
    }

    public function test_an_unprepared_write_that_is_lost_is_in_doubt(): void
    {
        $this->first->obey(['phase' => 'query', 'match' => '/delete/', 'do' => 'close']);

        $this->expectException(WriteInDoubt::class);

        $this->connection->unprepared('delete from t');
    }

    public function test_the_connection_works_after_a_doubt(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/insert/', 'do' => 'close', 'times' => 1]);

        try {
            $this->connection->insert('insert into t values (1)');
            $this->fail('no exception');
        } catch (WriteInDoubt) {
        }

        $this->connection->insert('insert into t values (2)');

        $this->assertCount(1, array_merge($this->first->log('/^execute: insert into t values \(2\)/'), $this->second->log('/^execute: insert into t values \(2\)/')));
    }

    public function test_a_write_that_was_never_sent_is_repeated(): void
    {
        $this->first->obey(['phase' => 'prepare', 'match' => '/insert/', 'do' => 'close', 'times' => 1]);

        $this->connection->insert('insert into t values (?)', [7]);

        $this->assertCount(1, array_merge($this->first->log('/^execute: insert/'), $this->second->log('/^execute: insert/')));
    }

    public function test_a_plain_read_is_repeated(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/select/', 'do' => 'close', 'times' => 1]);

        $this->assertContains((int) $this->connection->selectOne('select port')->port, [$this->first->port, $this->second->port]);
    }

    public function test_a_read_lost_on_a_reader_is_repeated_and_leaves_the_writer_alone(): void
    {
        [, , $reader] = $this->servers(1);
        $reader->obey(['phase' => 'execute', 'match' => '/select/', 'do' => 'close', 'times' => 1]);

        $connection = $this->connection($this->config([], ['read' => ['host' => $reader->id()], 'write' => ['host' => $this->first->id()]]), 'split');
        $write = $connection->getPdo();

        $this->assertContains((int) $connection->selectOne('select port')->port, [$reader->port, $this->first->port]);
        $this->assertSame(['execute: select port => close'], $reader->log('/=> close/'));
        $this->assertSame($write, $connection->getPdo());
    }

    public function test_a_read_that_writes_is_not_repeated(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/nextval/', 'do' => 'close']);

        $this->expectException(WriteInDoubt::class);

        $this->connection->select('select nextval(s)');
    }

    /**
     * @dataProvider failures
     */
    public function test_nothing_is_repeated_in_a_transaction(array $failure, string $sql): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/from u/'] + $failure);

        $e = $this->failure(fn () => $this->connection->transaction(function (Connection $connection) use ($sql) {
            $connection->insert('insert into t values (1)');
            $connection->statement($sql);
        }, 3));

        $this->assertNotInstanceOf(WriteInDoubt::class, $e, 'what was not committed is not in doubt');
        $this->assertCount(1, $this->first->log('/^execute: insert/'));
        $this->assertCount(1, $this->first->log('/^execute: .*from u/'));
        $this->assertSame([], $this->second->log());
        $this->assertSame(0, $this->connection->transactionLevel());

        $this->first->obey();
        $this->connection->insert('insert into t values (2)');

        $this->assertCount(1, array_merge($this->first->log('/^execute: .*\(2\)/'), $this->second->log('/^execute: .*\(2\)/')), 'it works afterwards');
    }

    public static function failures(): array
    {
        return [
            'refused' => [self::READ_ONLY, 'delete from u'],
            'write lost' => [['do' => 'close'], 'delete from u'],
            'read lost' => [['do' => 'close'], 'select * from u'],
        ];
    }

    public function test_a_write_lost_in_a_transaction_is_not_in_doubt(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/insert/', 'do' => 'close']);

        $this->connection->beginTransaction();

        $e = $this->failure(fn () => $this->connection->insert('insert into t values (1)'));

        $this->assertSame(2006, $e->errorInfo[1]);
        $this->assertNotInstanceOf(WriteInDoubt::class, $e, 'what was not committed did not happen');
        $this->assertSame(2006, $this->failure(fn () => $this->connection->insert('insert into t values (2)'))->errorInfo[1], 'nor does the rest run without it');
        $this->assertSame([], $this->second->log());
    }

    public function test_nothing_is_repeated_in_a_transaction_begun_by_hand(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/insert/'] + self::READ_ONLY);

        $this->connection->getPdo()->beginTransaction();

        $this->assertSame(1290, $this->failure(fn () => $this->connection->insert('insert into t values (1)'))->errorInfo[1]);
        $this->assertSame([], $this->second->log());
    }

    /**
     * @dataProvider commits
     */
    public function test_a_lost_commit_is_in_doubt(\Closure $work): void
    {
        $this->first->obey(['phase' => 'query', 'match' => '/^commit/i', 'do' => 'close']);

        try {
            $work($this->connection);
            $this->fail('no exception');
        } catch (WriteInDoubt $e) {
            $this->assertStringContainsString('COMMIT', $e->getMessage());
            $this->assertInstanceOf(PDOException::class, $e->getPrevious());
        }

        $this->assertSame(0, $this->connection->transactionLevel());
        $this->assertCount(1, $this->first->log('/^execute: insert/'));
        $this->assertSame([], $this->second->log());

        $this->first->obey();
        $this->connection->transaction(fn () => $this->connection->insert('insert into t values (3)'));
    }

    public static function commits(): array
    {
        return [
            'closure' => [fn (Connection $connection) => $connection->transaction(fn () => $connection->insert('insert into t values (1)'), 3)],
            'by hand' => [function (Connection $connection) {
                $connection->beginTransaction();
                $connection->insert('insert into t values (1)');
                $connection->commit();
            }],
        ];
    }

    public function test_a_transaction_that_could_not_begin_begins_elsewhere(): void
    {
        $this->first->obey(['phase' => 'query', 'match' => '/^start/i', 'do' => 'close', 'times' => 1]);

        $this->connection->transaction(fn () => $this->connection->insert('insert into t values (1)'));

        $this->assertCount(1, array_merge($this->first->log('/^execute: insert/'), $this->second->log('/^execute: insert/')));
    }

    public function test_conflicts_are_left_to_the_transaction(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/insert/', 'do' => 'error', 'errno' => 1213, 'message' => 'Deadlock found when trying to get lock; try restarting transaction', 'times' => 1]);

        $this->connection->transaction(fn () => $this->connection->insert('insert into t values (1)'), 2);

        $this->assertCount(2, $this->first->log('/^execute: insert/'));
        $this->assertSame([], $this->second->log());
    }

    public function test_errors_of_the_application_are_thrown_as_they_are(): void
    {
        $this->first->obey(['phase' => 'execute', 'match' => '/insert/', 'do' => 'error', 'errno' => 1062, 'message' => 'Duplicate entry']);

        $this->assertSame(1062, $this->failure(fn () => $this->connection->insert('insert into t values (1)'))->errorInfo[1]);
        $this->assertCount(1, $this->first->log('/^execute: insert/'));
        $this->assertSame([], $this->second->log());
    }

    public function test_statements_run_by_listeners_do_not_confuse_the_one_they_listen_to(): void
    {
        $nested = false;

        $this->app['events']->listen(StatementPrepared::class, function (StatementPrepared $event) use (&$nested) {
            if (! $nested) {
                $nested = true;
                $event->connection->insert('insert into log values (1)');
            }
        });

        $this->first->obey(['phase' => 'execute', 'match' => '/nextval/', 'do' => 'close']);

        try {
            $this->connection->select('select nextval(s)');
            $this->fail('no exception');
        } catch (WriteInDoubt $e) {
            $this->assertStringContainsString($this->first->id(), $e->getMessage());
        }

        $this->assertCount(1, $this->first->log('/^execute: insert into log/'));
    }

    public function test_pretending_dials_nothing(): void
    {
        $this->first->stop();
        $this->connection->disconnect();
        $this->connection->reconnect();

        $log = $this->connection->pretend(fn (Connection $connection) => $connection->insert('insert into t values (1)'));

        $this->assertSame('insert into t values (1)', $log[0]['query']);
        $this->assertSame([], $this->second->log());
    }

    /**
     * Get the exception that the callback ends with.
     */
    private function failure(\Closure $callback): \Throwable
    {
        try {
            $callback();
        } catch (\Throwable $e) {
            return $e;
        }

        $this->fail('no exception');
    }
}
