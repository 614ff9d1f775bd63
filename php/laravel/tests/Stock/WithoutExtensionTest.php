<?php

namespace Amm\Laravel\Tests\Stock;

use Amm\Laravel\Tests\TestCase;
use Illuminate\Database\Connectors\ConnectionFactory;
use Illuminate\Database\MySqlConnection;

/**
 * Run with the extension absent, and again with "amm.enabled" off.
 */
final class WithoutExtensionTest extends TestCase
{
    protected function setUp(): void
    {
        if (extension_loaded('amm') && ini_get('amm.enabled')) {
            $this->markTestSkipped('The amm extension is loaded and enabled.');
        }

        parent::setUp();
    }

    protected function tearDown(): void
    {
        if (isset($this->app)) {
            parent::tearDown();
        }
    }

    public function test_nothing_is_registered(): void
    {
        $this->assertSame(ConnectionFactory::class, get_class($this->app['db.factory']));
        $this->assertFalse($this->app->bound('db.connector.mysql'));
    }

    public function test_connections_work_as_laravels_own(): void
    {
        [$server] = $this->servers(1);

        $connection = $this->connection($this->config([], ['host' => ['127.0.0.1'], 'port' => $server->port]));

        $this->assertSame(MySqlConnection::class, get_class($connection));
        $this->assertEquals($server->port, $connection->selectOne('select port')->port);
    }
}
