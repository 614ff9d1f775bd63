<?php

namespace Amm\Laravel\Tests\Unit;

use Amm\Laravel\Config\ClusterConfig;
use Amm\Laravel\Route;
use InvalidArgumentException;
use PDO;
use PHPUnit\Framework\TestCase;

final class ClusterConfigTest extends TestCase
{
    public function test_wanted_only_where_asked_for(): void
    {
        $this->assertFalse(ClusterConfig::isWanted([]));
        $this->assertFalse(ClusterConfig::isWanted(['amm' => false]));
        $this->assertFalse(ClusterConfig::isWanted(['amm' => null]));
        $this->assertTrue(ClusterConfig::isWanted(['amm' => true]));
        $this->assertTrue(ClusterConfig::isWanted(['amm' => []]));
    }

    public function test_anything_but_a_boolean_or_an_array_is_refused(): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('The "amm" key of a database connection must be true, false or an array, string given.');

        ClusterConfig::isWanted(['amm' => 'galera']);
    }

    public function test_true_leaves_the_flavour_to_the_extension(): void
    {
        $this->assertSame('auto', $this->definition(['host' => ['a', 'b'], 'amm' => true])['flavour']);
    }

    public function test_several_write_hosts_of_a_multi_writer_flavour_are_spread(): void
    {
        $this->assertSame('spread', $this->definition(['host' => ['a', 'b']])['writers']);
        $this->assertSame('spread', $this->definition(['host' => ['a', 'b'], 'amm' => true])['writers']);
        $this->assertSame('single', $this->definition(['host' => ['a', 'b'], 'amm' => ['flavour' => 'galera', 'writers' => 'single']])['writers']);
        $this->assertArrayNotHasKey('writers', $this->definition(['host' => ['a']]));
        $this->assertArrayNotHasKey('writers', $this->definition(['host' => ['a', 'b'], 'amm' => ['flavour' => 'read_only']]));
    }

    public function test_reads_the_documented_read_write_structure(): void
    {
        $definition = $this->definition([
            'port' => '3307',
            'read' => ['host' => ['10.0.0.1', '10.0.0.4']],
            'write' => ['host' => ['10.0.0.1', '10.0.0.2:3310', '[::1]:3311', '10.0.0.1']],
            'sticky' => true,
        ]);

        $this->assertSame([
            ['host' => '10.0.0.1', 'port' => 3307],
            ['host' => '10.0.0.2', 'port' => 3310],
            ['host' => '::1', 'port' => 3311],
            ['host' => '10.0.0.4', 'port' => 3307, 'role' => 'reader'],
        ], $definition['nodes']);
    }

    public function test_reads_lists_of_configurations_whole(): void
    {
        $definition = $this->definition([
            'read' => [['host' => 'r1', 'port' => 1], ['host' => 'r2']],
            'write' => [['host' => 'w1'], ['host' => ['w2', 'w3'], 'port' => 2]],
        ]);

        $this->assertSame(['w1:3306', 'w2:2', 'w3:2', 'r1:1', 'r2:3306'], $this->ids($definition['nodes']));
    }

    public function test_write_hosts_count_without_read_hosts_too(): void
    {
        $this->assertSame(['w1:3306', 'w2:3306'], $this->ids($this->definition(['host' => 'x', 'write' => ['host' => ['w1', 'w2']]])['nodes']));
    }

    public function test_the_factory_sees_one_host_per_role(): void
    {
        $routed = (new ClusterConfig($this->config(['read' => ['host' => ['r1', 'r2']], 'write' => ['host' => ['w1', 'w2']]]), 'shop'))->routed();

        $this->assertSame('r1', $routed['read']['host']);
        $this->assertSame('w1', $routed['write']['host']);
        $this->assertInstanceOf(Route::class, $routed['read']['amm']);
        $this->assertInstanceOf(Route::class, $routed['write']['amm']);
        $this->assertSame('shop', $routed['write']['amm']->name());
    }

    public function test_without_read_hosts_there_is_no_read_connection(): void
    {
        $routed = (new ClusterConfig($this->config(['host' => ['w1', 'w2']]), 'shop'))->routed();

        $this->assertArrayNotHasKey('read', $routed);
        $this->assertSame('w1', $routed['host']);
        $this->assertInstanceOf(Route::class, $routed['amm']);
    }

    public function test_keys_of_the_extension_are_passed_on(): void
    {
        $amm = ['flavour' => 'galera', 'probe_interval' => '2s', 'nodes' => ['a', ['host' => 'b', 'port' => 2, 'weight' => 3], '/run/c.sock']];

        $definition = $this->definition(['host' => 'ignored', 'amm' => $amm]);

        $this->assertSame($amm['nodes'], $definition['nodes']);
        $this->assertSame('2s', $definition['probe_interval']);
    }

    public function test_probes_use_the_credentials_of_the_write_connection(): void
    {
        $definition = $this->definition(['write' => ['host' => 'w', 'username' => 'writer', 'password' => 'secret'], 'read' => ['host' => 'r']]);

        $this->assertSame(['writer', 'secret'], [$definition['username'], $definition['password']]);
    }

    public function test_probes_use_their_own_credentials_where_given(): void
    {
        $definition = $this->definition(['host' => 'w', 'amm' => ['flavour' => 'galera', 'username' => 'probe', 'password' => 'other']]);

        $this->assertSame(['probe', 'other'], [$definition['username'], $definition['password']]);

        $definition = $this->definition(['host' => 'w', 'amm' => ['flavour' => 'galera', 'username' => 'probe']]);

        $this->assertArrayNotHasKey('password', $definition, 'never the password of another user');
    }

    public function test_tls_options_are_mapped(): void
    {
        $options = [PDO::MYSQL_ATTR_SSL_CA => '/ca.pem', PDO::MYSQL_ATTR_SSL_CERT => '/cert.pem', PDO::MYSQL_ATTR_SSL_KEY => '/key.pem', PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => false];

        $this->assertSame(
            ['ca' => '/ca.pem', 'cert' => '/cert.pem', 'key' => '/key.pem', 'verify' => false],
            $this->definition(['host' => 'w', 'options' => $options])['tls']
        );
        $this->assertArrayNotHasKey('tls', $this->definition(['host' => 'w']));
        $this->assertSame(['verify' => true], $this->definition(['host' => 'w', 'options' => $options, 'amm' => ['tls' => ['verify' => true]]])['tls']);
    }

    public function test_a_socket_is_a_node(): void
    {
        $this->assertSame(
            [['host' => 'localhost', 'port' => 3306, 'socket' => '/run/mysqld.sock']],
            $this->definition(['unix_socket' => '/run/mysqld.sock', 'host' => 'localhost'])['nodes']
        );
    }

    public function test_a_socket_cannot_stand_for_several_hosts(): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('"unix_socket"');

        $this->definition(['unix_socket' => '/run/mysqld.sock', 'host' => ['a', 'b']]);
    }

    public function test_a_host_must_be_a_string(): void
    {
        $this->expectException(InvalidArgumentException::class);
        $this->expectExceptionMessage('must be a string, int given');

        $this->definition(['host' => [5]]);
    }

    public function test_dumps_show_no_credentials(): void
    {
        $config = $this->config(['host' => ['w1', 'w2'], 'password' => 'hunter2']);
        $routed = (new ClusterConfig($config, 'shop'))->routed();

        foreach ([print_r($routed['amm'], true), json_encode($routed['amm'])] as $dump) {
            $this->assertStringNotContainsString('hunter2', $dump);
        }
    }

    public function test_names_are_made_fit_for_a_cluster(): void
    {
        $routed = (new ClusterConfig($this->config(['host' => ['w1']]), 'tenant one/'.str_repeat('x', 70)))->routed();

        $this->assertMatchesRegularExpression('/^tenant_one_x{53}$/', $routed['amm']->name());
    }

    private function definition(array $config): array
    {
        return (new ClusterConfig($this->config($config), 'mysql'))->definition();
    }

    private function config(array $config): array
    {
        return $config + ['driver' => 'mysql', 'database' => 'shop', 'username' => 'app', 'password' => 'pw', 'amm' => ['flavour' => 'galera']];
    }

    private function ids(array $nodes): array
    {
        return array_map(fn ($node) => $node['host'].':'.$node['port'], $nodes);
    }
}
