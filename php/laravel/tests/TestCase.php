<?php

namespace Amm\Laravel\Tests;

use Amm\Laravel\AmmServiceProvider;
use FakeServer;
use Illuminate\Config\Repository;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Database\Connection;
use Illuminate\Database\DatabaseServiceProvider;
use Illuminate\Foundation\Application;
use Illuminate\Support\Facades\Facade;
use PDO;
use PHPUnit\Framework\TestCase as BaseTestCase;

abstract class TestCase extends BaseTestCase
{
    protected Application $app;

    /**
     * The exceptions that were reported to the application's handler.
     *
     * @var list<\Throwable>
     */
    protected array $reported = [];

    /**
     * The fake servers of the test.
     *
     * @var list<FakeServer>
     */
    protected array $servers = [];

    protected function setUp(): void
    {
        parent::setUp();

        $this->app = new Application(sys_get_temp_dir());
        $this->app->instance('config', new Repository(['database' => ['default' => 'mysql', 'connections' => []]]));
        $this->app->instance(ExceptionHandler::class, $this->exceptionHandler());
        $this->app->register(DatabaseServiceProvider::class);
        $this->app->register(AmmServiceProvider::class);
        $this->app->boot();
    }

    protected function tearDown(): void
    {
        foreach ($this->app['db']->getConnections() as $connection) {
            $connection->disconnect();
        }

        $this->servers = [];

        $this->app->flush();
        Facade::clearResolvedInstances();
        Application::setInstance(null);

        parent::tearDown();
    }

    /**
     * Start fake servers.
     *
     * @return list<FakeServer>
     */
    protected function servers(int $count): array
    {
        for ($i = 0; $i < $count; $i++) {
            $this->servers[] = new FakeServer;
        }

        return $this->servers;
    }

    /**
     * Get the connection's configuration: the given hosts for writes, in order of preference.
     *
     * @param  list<string>  $hosts
     * @return array<string, mixed>
     */
    protected function config(array $hosts, array $merge = []): array
    {
        return array_merge([
            'driver' => 'mysql',
            'host' => $hosts,
            'database' => 'test',
            'username' => 'user',
            'password' => 'password',
            'charset' => 'utf8mb4',
            'prefix' => '',
            'options' => [PDO::ATTR_TIMEOUT => 2],
            'amm' => ['flavour' => 'galera', 'writers' => 'single'],
        ], $merge);
    }

    /**
     * Get a connection over the given configuration.
     */
    protected function connection(array $config, string $name = 'mysql'): Connection
    {
        $this->app['config']->set("database.connections.{$name}", $config);

        return $this->app['db']->connection($name);
    }

    /**
     * Get a connection whose writers are the given servers, in order of preference.
     *
     * @param  list<FakeServer>  $servers
     */
    protected function connectionTo(array $servers, array $merge = []): Connection
    {
        return $this->connection($this->config(array_map(fn (FakeServer $server) => $server->id(), $servers), $merge));
    }

    /**
     * Get an exception handler that remembers what it is told.
     */
    private function exceptionHandler(): ExceptionHandler
    {
        return new RecordingExceptionHandler($this->reported);
    }
}
