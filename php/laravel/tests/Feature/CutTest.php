<?php

namespace Amm\Laravel\Tests\Feature;

use Amm\Cluster;
use Amm\Exception\WriteInDoubt;
use Amm\Laravel\Tests\ClusterTestCase;
use FakeServer;
use Illuminate\Database\Connection;

/**
 * A server hangs while a statement runs on it, and the extension shuts the socket.
 */
final class CutTest extends ClusterTestCase
{
    private const AMM = ['flavour' => 'galera', 'writers' => 'single', 'probe_interval' => '100ms', 'probe_timeout' => '100ms', 'cut' => 'always', 'cut_after' => '200ms'];

    private FakeServer $first;

    private FakeServer $second;

    private Connection $connection;

    private array $leader;

    protected function setUp(): void
    {
        parent::setUp();

        require_once __DIR__.'/../../../../tests/phpt/support/helpers.inc';

        [$this->first, $this->second] = $this->servers(2);

        $this->connection = $this->connectionTo([$this->first, $this->second], ['amm' => self::AMM]);
        $this->connection->getPdo();
    }

    protected function tearDown(): void
    {
        if (isset($this->leader)) {
            fclose($this->leader[1][0]);
            proc_close($this->leader[0]);
        }

        parent::tearDown();
    }

    /**
     * Have the first server answer nothing any more, and another process find that out.
     */
    private function hang(string $phase): void
    {
        $this->first->obey(['phase' => 'connect', 'do' => 'hang'], ['phase' => 'query', 'match' => '/show|select @/i', 'do' => 'hang'], ['phase' => $phase, 'do' => 'hang']);

        $this->leader = leaderOf(self::AMM + ['nodes' => [$this->first->id(), $this->second->id()], 'username' => 'user', 'password' => 'password']);
    }

    public function test_a_write_that_was_cut_is_in_doubt_and_not_repeated(): void
    {
        $handle = $this->connection->getPdo();
        $this->hang('execute');

        try {
            $this->connection->insert('insert into t values (?)', [7]);
            $this->fail('no exception');
        } catch (WriteInDoubt $e) {
            $this->assertStringContainsString($this->first->id(), $e->getMessage());
        }

        $this->assertTrue(Cluster::get('mysql')->wasCut($handle));
        $this->assertCount(1, $this->first->log('/^execute: insert/'));
        $this->assertSame([], $this->second->log('/insert/'));

        $this->connection->insert('insert into t values (8)');

        $this->assertCount(1, $this->second->log('/^execute: insert into t values \(8\)/'));
    }

    public function test_a_plain_read_that_was_cut_is_repeated_elsewhere(): void
    {
        $handle = $this->connection->getPdo();
        $this->hang('execute');

        $this->assertEquals($this->second->port, $this->connection->selectOne('select port')->port);
        $this->assertTrue(Cluster::get('mysql')->wasCut($handle));
    }

    public function test_a_commit_that_was_cut_is_in_doubt(): void
    {
        $this->connection->beginTransaction();
        $this->connection->insert('insert into t values (1)');
        $handle = $this->connection->getPdo();
        $this->hang('query');

        try {
            $this->connection->commit();
            $this->fail('no exception');
        } catch (WriteInDoubt $e) {
            $this->assertStringContainsString('COMMIT', $e->getMessage());
        }

        $this->assertTrue(Cluster::get('mysql')->wasCut($handle));
        $this->assertSame(0, $this->connection->transactionLevel());
        $this->assertSame([], $this->second->log('/insert/'));
    }
}
