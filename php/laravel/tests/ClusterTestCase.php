<?php

namespace Amm\Laravel\Tests;

/**
 * A test that needs the extension.
 */
abstract class ClusterTestCase extends TestCase
{
    protected function setUp(): void
    {
        if (! extension_loaded('amm') || ! ini_get('amm.enabled')) {
            $this->markTestSkipped('The amm extension is not loaded and enabled.');
        }

        parent::setUp();
    }

    protected function tearDown(): void
    {
        if (isset($this->app)) {
            parent::tearDown();
        }
    }
}
