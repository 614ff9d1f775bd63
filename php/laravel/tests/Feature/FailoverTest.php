<?php

namespace Amm\Laravel\Tests\Feature;

use Amm\Exception\NoWriterAvailable;
use Amm\Laravel\Connections\MySqlConnection;
use Amm\Laravel\Events\Dialed;
use Amm\Laravel\Events\Dialing;
use Amm\Laravel\Tests\ClusterTestCase;
use Illuminate\Database\Connectors\MySqlConnector;
use Illuminate\Database\MySqlConnection as StockMySqlConnection;
use Illuminate\Database\QueryException;
use PDO;
use PDOException;
use RuntimeException;

final class FailoverTest extends ClusterTestCase
{
    public function test_a_dead_writer_is_dialled_once_and_the_next_one_serves(): void
    {
        [$dead, $alive] = $this->servers(2);
        $dead->obey(['phase' => 'connect', 'do' => 'close']);

        $connection = $this->connectionTo([$dead, $alive]);

        $this->assertTrue($connection->insert('insert into t values (?)', [1]));
        $this->assertSame(['connect: => close'], $dead->log('/connect/'));
        $this->assertCount(1, $alive->log('/^execute: insert/'));
    }

    public function test_a_refused_writer_is_passed_over(): void
    {
        [$dead, $alive] = $this->servers(2);
        $dead->stop();

        $connection = $this->connectionTo([$dead, $alive]);

        $this->assertEquals($alive->port, $connection->selectOne('select port')->port);
    }

    public function test_events_tell_of_every_dial(): void
    {
        [$dead, $alive] = $this->servers(2);
        $dead->stop();

        $seen = [];

        $this->app['events']->listen(Dialing::class, function (Dialing $event) use (&$seen) {
            $seen[] = ['dialing', $event->cluster, $event->node, $event->host, $event->port];
        });
        $this->app['events']->listen(Dialed::class, function (Dialed $event) use (&$seen) {
            $seen[] = ['dialed', $event->cluster, $event->node, $event->host, $event->port, get_debug_type($event->pdo)];
        });

        $this->connectionTo([$dead, $alive])->getPdo();

        $this->assertSame([
            ['dialing', 'mysql', $dead->id(), '127.0.0.1', $dead->port],
            ['dialing', 'mysql', $alive->id(), '127.0.0.1', $alive->port],
            ['dialed', 'mysql', $alive->id(), '127.0.0.1', $alive->port, PDO::class],
        ], $seen);
    }

    public function test_a_failing_listener_is_reported_and_breaks_nothing(): void
    {
        [$server] = $this->servers(1);

        foreach ([Dialing::class, Dialed::class] as $event) {
            $this->app['events']->listen($event, function () use ($event) {
                throw new RuntimeException($event);
            });
        }

        $this->assertEquals($server->port, $this->connectionTo([$server])->selectOne('select port')->port);
        $this->assertSame([Dialing::class, Dialed::class], array_map(fn ($e) => $e->getMessage(), $this->reported));
    }

    public function test_errors_of_the_application_are_thrown_at_once(): void
    {
        [$first, $second] = $this->servers(2);
        $first->obey(['phase' => 'connect', 'do' => 'error', 'errno' => 1045, 'message' => 'Access denied']);

        try {
            $this->connectionTo([$first, $second])->getPdo();
            $this->fail('no exception');
        } catch (PDOException $e) {
            $this->assertSame(1045, $e->errorInfo[1]);
        }

        $this->assertSame(['connect: => error'], $first->log());
        $this->assertSame([], $second->log());
    }

    public function test_without_any_writer_every_host_is_dialled_once_and_the_reason_given(): void
    {
        [$first, $second] = $this->servers(2);
        $first->obey(['phase' => 'connect', 'do' => 'close']);
        $second->obey(['phase' => 'connect', 'do' => 'close']);

        try {
            $this->connectionTo([$first, $second])->insert('insert into t values (1)');
            $this->fail('no exception');
        } catch (QueryException $e) {
            $this->assertInstanceOf(NoWriterAvailable::class, $e->getPrevious());
            $this->assertStringContainsString($first->id(), $e->getMessage());
            $this->assertStringContainsString($second->id(), $e->getMessage());
        }

        $this->assertCount(1, $first->log());
        $this->assertCount(1, $second->log());
    }

    public function test_the_dial_has_a_timeout_of_whole_seconds(): void
    {
        [$server] = $this->servers(1);

        $seen = new class extends MySqlConnector {
            public array $timeouts = [];

            public function connect(array $config)
            {
                $this->timeouts[] = $config['options'][PDO::ATTR_TIMEOUT] ?? null;

                return parent::connect($config);
            }
        };

        $this->app->bind('db.connector.mysql', fn () => $seen);

        $config = $this->config([$server->id()], ['options' => [], 'amm' => ['flavour' => 'galera', 'connect_timeout' => '300ms']]);

        $this->connection($config, 'short')->getPdo();
        $this->connection(array_merge($config, ['amm' => ['flavour' => 'galera', 'connect_timeout' => '2500ms']]), 'long')->getPdo();
        $this->connection(array_merge($config, ['options' => [PDO::ATTR_TIMEOUT => 2], 'amm' => ['flavour' => 'galera', 'connect_timeout' => '9s', 'connect_deadline' => '9s']]), 'own')->getPdo();

        $this->assertSame([1, 3, 2], $seen->timeouts);
    }

    public function test_reads_go_to_readers_and_fall_back_to_a_writer(): void
    {
        [$writer, $reader] = $this->servers(2);

        $connection = $this->connection($this->config([], ['read' => ['host' => $reader->id()], 'write' => ['host' => $writer->id()]]));

        $this->assertEquals($reader->port, $connection->selectOne('select port')->port);
        $this->assertEquals($writer->port, $connection->selectOne('select port', [], false)->port);

        $reader->stop();

        $this->assertEquals($writer->port, $connection->selectOne('select port')->port);
    }

    public function test_each_role_dials_with_its_own_configuration(): void
    {
        [$writer, $reader] = $this->servers(2);

        $connection = $this->connection($this->config([], [
            'read' => [['host' => $reader->id(), 'timezone' => '+01:00']],
            'write' => [['host' => $writer->id(), 'timezone' => '+02:00']],
        ]));

        $connection->getPdo();
        $connection->getReadPdo();

        $this->assertNotEmpty($writer->log('/time_zone=.\+02:00/'));
        $this->assertNotEmpty($reader->log('/time_zone=.\+01:00/'));
    }

    public function test_a_host_of_both_roles_is_dialled_as_what_it_is_wanted_for(): void
    {
        [$server] = $this->servers(1);

        $connection = $this->connection($this->config([], [
            'read' => ['host' => $server->id(), 'timezone' => '+01:00'],
            'write' => ['host' => $server->id(), 'timezone' => '+02:00'],
        ]));

        $connection->getReadPdo();
        $this->assertCount(1, $server->log('/^execute: .*time_zone=.\+01:00/'));
        $this->assertCount(0, $server->log('/^execute: .*time_zone=.\+02:00/'));

        $connection->getPdo();
        $this->assertCount(1, $server->log('/^execute: .*time_zone=.\+02:00/'));
    }

    public function test_runtime_configurations_are_covered(): void
    {
        [$dead, $alive] = $this->servers(2);
        $dead->stop();

        $connection = $this->connection($this->config([$dead->id(), $alive->id()]), 'tenant');

        $this->assertInstanceOf(MySqlConnection::class, $connection);
        $this->assertEquals($alive->port, $connection->selectOne('select port')->port);
        $this->assertSame([$dead->id(), $alive->id()], $this->app['config']['database.connections.tenant.host'], 'the config stays as it was');
    }

    public function test_connections_without_the_key_are_laravels_own(): void
    {
        [$server] = $this->servers(1);
        $server->obey(['phase' => 'connect', 'do' => 'close', 'times' => 1]);

        $config = $this->config([], ['host' => '127.0.0.1', 'port' => $server->port, 'amm' => null]);
        unset($config['amm']);

        $connection = $this->connection($config);

        $this->assertSame(StockMySqlConnection::class, get_class($connection));
        $this->assertInstanceOf(PDO::class, $connection->getPdo());
        $this->assertCount(2, $server->log('/connect/'), 'Laravel dials a lost host once more');
        $this->assertEquals($server->port, $connection->selectOne('select port')->port);
    }

    public function test_a_connector_bound_by_another_package_is_kept(): void
    {
        [$server] = $this->servers(1);

        $other = new class extends MySqlConnector {
            public int $dials = 0;

            public function connect(array $config)
            {
                $this->dials++;

                return parent::connect($config);
            }
        };

        $this->app->bind('db.connector.mysql', fn () => $other);

        $this->connectionTo([$server])->getPdo();

        $this->assertSame(1, $other->dials);
    }
}
