<?php

namespace Amm\Laravel\Tests\Servers;

use Amm\Cluster;
use Amm\Exception\WriteInDoubt;
use Amm\Laravel\Tests\ClusterTestCase;
use Illuminate\Database\Connection;
use PDO;

/**
 * Against the real servers of AMM_TEST_NODES="host:port,host:port", logging in as AMM_TEST_USER with
 * AMM_TEST_PASSWORD; that user must be allowed to create databases and users, to kill connections and
 * to set read_only. The application's own user, made here, must not write through read_only.
 */
final class RealServersTest extends ClusterTestCase
{
    private Connection $connection;

    /**
     * @var list<string>
     */
    private array $nodes;

    protected function setUp(): void
    {
        $this->nodes = array_filter(explode(',', (string) getenv('AMM_TEST_NODES')));

        if ($this->nodes === []) {
            $this->markTestSkipped('AMM_TEST_NODES names no servers.');
        }

        parent::setUp();

        $admin = $this->admin($this->nodes[0]);
        $admin->exec('create database if not exists amm_laravel');
        $admin->exec("create user if not exists amm_laravel@'%' identified by 'amm_laravel'");
        $admin->exec("grant select, insert, update, delete, create, drop on amm_laravel.* to amm_laravel@'%'");

        $this->connection = $this->connection($this->serverConfig());
        $this->connection->unprepared('create table if not exists t (id int auto_increment primary key, a varchar(40)) engine=innodb');
        $this->connection->table('t')->delete();
    }

    protected function tearDown(): void
    {
        if (isset($this->connection)) {
            foreach ($this->nodes as $node) {
                $this->admin($node)->exec('set global read_only = 0');
            }
        }

        if (isset($this->app)) {
            parent::tearDown();
        }
    }

    public function test_writes_reads_and_transactions(): void
    {
        $id = $this->connection->table('t')->insertGetId(['a' => 'x']);

        $this->connection->transaction(function () use ($id) {
            $this->connection->table('t')->where('id', $id)->update(['a' => 'y']);
        });

        $this->assertSame('y', $this->connection->table('t')->useWritePdo()->value('a'));
    }

    public function test_a_demoted_writer_is_left_and_the_write_repeated(): void
    {
        if (count($this->nodes) < 2) {
            $this->markTestSkipped('AMM_TEST_NODES names one server only.');
        }

        $before = $this->node();

        $this->admin($before)->exec('set global read_only = 1');

        $this->connection->table('t')->insert(['a' => 'moved']);

        $this->assertNotSame($before, $this->node());
        $this->assertSame(1, $this->connection->table('t')->useWritePdo()->where('a', 'moved')->count());
        $this->assertFalse(Cluster::get('mysql')->status()['nodes'][$before]['writable']);
    }

    public function test_a_write_whose_connection_is_killed_is_in_doubt(): void
    {
        $id = (int) $this->connection->getPdo()->query('select connection_id()')->fetchColumn();

        $killer = proc_open([PHP_BINARY, '-r', sprintf(
            '$p = new PDO(%s, %s, %s); usleep(500000); $p->exec("kill connection %d");',
            var_export($this->dsn($this->node()), true), var_export($this->user(), true), var_export($this->password(), true), $id
        )], [], $pipes);

        try {
            $this->connection->insert("insert into t (a) select 'slow' from (select sleep(3)) as s");
            $this->fail('no exception');
        } catch (WriteInDoubt $e) {
            $this->assertNotNull($e->getPrevious());
        } finally {
            proc_close($killer);
        }

        $this->assertLessThanOrEqual(1, $this->connection->table('t')->useWritePdo()->where('a', 'slow')->count());
    }

    public function test_an_idle_connection_closed_by_the_server_is_no_doubt(): void
    {
        $this->connection->getPdo()->exec('set session wait_timeout = 1');

        sleep(2);

        $this->connection->table('t')->insert(['a' => 'fresh']);

        $this->assertSame(1, $this->connection->table('t')->useWritePdo()->where('a', 'fresh')->count());
    }

    private function serverConfig(): array
    {
        return $this->config($this->nodes, [
            'database' => 'amm_laravel',
            'username' => 'amm_laravel',
            'password' => 'amm_laravel',
            'strict' => true,
            'amm' => ['flavour' => getenv('AMM_TEST_FLAVOUR') ?: 'galera', 'writers' => 'single', 'connect_deadline' => '10s'],
        ]);
    }

    private function node(): string
    {
        return Cluster::get('mysql')->nodeOf($this->connection->getPdo())->id;
    }

    private function admin(string $node): PDO
    {
        return new PDO($this->dsn($node), $this->user(), $this->password(), [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
    }

    private function dsn(string $node): string
    {
        return vsprintf('mysql:host=%s;port=%d', explode(':', $node) + [1 => 3306]);
    }

    private function user(): string
    {
        return getenv('AMM_TEST_USER') ?: 'root';
    }

    private function password(): string
    {
        return (string) getenv('AMM_TEST_PASSWORD');
    }
}
