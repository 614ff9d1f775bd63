<?php

namespace Amm\Laravel\Tests\Feature;

use Amm\Cluster;
use Amm\Laravel\Tests\ClusterTestCase;
use PDO;

final class StaleHandleTest extends ClusterTestCase
{
    public function test_a_handle_whose_node_was_taken_out_is_replaced_before_the_next_statement(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second]);
        $connection->insert('insert into t values (1)');

        Cluster::get('mysql')->disable($first->id());

        $connection->insert('insert into t values (2)');

        $this->assertSame(['execute: insert into t values (1)'], $first->log('/^execute: insert/'));
        $this->assertSame(['execute: insert into t values (2)'], $second->log('/^execute: insert/'));
    }

    public function test_a_sticky_connection_reads_its_own_writes_where_it_made_them(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second]);
        $connection->insert('insert into t values (1)');

        Cluster::get('mysql')->disable($first->id());

        $this->assertEquals($first->port, $connection->selectOne('select port')->port);

        $connection->insert('insert into t values (2)');

        $this->assertEquals($second->port, $connection->selectOne('select port')->port);
        $this->assertSame(['execute: insert into t values (2)'], $second->log('/^execute: insert/'));
    }

    public function test_it_does_not_read_from_a_node_that_is_down(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second]);
        $connection->insert('insert into t values (1)');

        $cluster = Cluster::get('mysql');
        $cluster->report($cluster->nodeOf($connection->getPdo()), 2002);

        $this->assertEquals($second->port, $connection->selectOne('select port')->port);
    }

    public function test_a_transaction_begins_on_a_current_handle(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second]);
        $connection->getPdo();

        Cluster::get('mysql')->disable($first->id());

        $connection->transaction(fn () => $connection->insert('insert into t values (1)'));

        $this->assertSame([], $first->log('/insert|START/'));
        $this->assertCount(1, $second->log('/^query: START/'));
    }

    public function test_a_transaction_stays_where_it_began(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second]);

        $connection->transaction(function () use ($connection, $first) {
            $connection->insert('insert into t values (1)');

            Cluster::get('mysql')->disable($first->id());

            $connection->insert('insert into t values (2)');
        });

        $this->assertCount(2, $first->log('/^execute: insert/'));
        $this->assertCount(1, $first->log('/^query: COMMIT/'));
        $this->assertSame([], $second->log());
    }

    public function test_a_transaction_begun_by_hand_stays_too(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second]);
        $connection->getPdo()->beginTransaction();

        Cluster::get('mysql')->disable($first->id());

        $connection->insert('insert into t values (1)');

        $this->assertCount(1, $first->log('/^execute: insert/'));
        $this->assertSame([], $second->log());
    }

    public function test_an_idle_connection_that_was_closed_is_a_fresh_dial_and_no_doubt(): void
    {
        [$server] = $this->servers(1);
        $connection = $this->connectionTo([$server]);
        $connection->insert('insert into t values (1)');

        // The server's timeout for idle connections, as a client sees it.
        $server->obey(['phase' => 'query', 'match' => '/^kill/', 'do' => 'goodbye', 'errno' => 4031, 'message' => 'disconnected because of inactivity', 'times' => 1]);

        try {
            $connection->getPdo()->exec('kill');
        } catch (\PDOException) {
        }

        $connection->insert('insert into t values (2)');

        $this->assertCount(1, $server->log('/^execute: insert into t values \(2\)/'));
        $this->assertCount(2, $server->log('/^connect/'));
    }

    public function test_only_the_stale_handle_is_replaced(): void
    {
        [$writer, $reader, $other] = $this->servers(3);
        $connection = $this->connection($this->config([], ['read' => ['host' => [$reader->id(), $other->id()]], 'write' => ['host' => $writer->id()]]));

        $write = $connection->getPdo();
        $port = (int) $connection->selectOne('select port')->port;
        $used = $port === $reader->port ? $reader : $other;

        Cluster::get('mysql')->disable($used->id());

        $this->assertNotEquals($port, $connection->selectOne('select port')->port);
        $this->assertSame($write, $connection->getPdo());
        $this->assertCount(1, $writer->log('/^connect/'));
    }

    public function test_the_handle_is_not_replaced_between_an_insert_and_its_id(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second]);
        $connection->insert('insert into t values (1)');

        Cluster::get('mysql')->disable($first->id());

        $connection->getPdo()->lastInsertId();

        $this->assertSame([], $second->log());
    }

    public function test_connections_named_by_role_are_replaced_whole(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second], ['read' => ['host' => [$first->id(), $second->id()]], 'write' => ['host' => [$first->id(), $second->id()]]]);
        $write = $this->app['db']->connection('mysql::write');

        $this->assertSame($write->getPdo(), $write->getReadPdo());

        Cluster::get('mysql')->disable($first->id());

        $write->insert('insert into t values (1)');

        $this->assertCount(1, $second->log('/^execute: insert/'));
        $this->assertSame($write->getPdo(), $write->getReadPdo());
    }

    public function test_a_handle_set_by_the_application_is_its_own_affair(): void
    {
        [$first, $second] = $this->servers(2);
        $connection = $this->connectionTo([$first, $second]);
        $connection->setPdo($pdo = $second->pdo([PDO::ATTR_EMULATE_PREPARES => false]));

        $connection->insert('insert into t values (1)');

        $this->assertSame($pdo, $connection->getPdo());
        $this->assertCount(1, $second->log('/^execute: insert/'));
    }
}
