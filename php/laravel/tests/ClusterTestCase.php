<?php

namespace Amm\Laravel\Tests;

/**
 * A test that needs the extension.
 */
abstract class ClusterTestCase extends TestCase
{
    protected function setUp(): void
    {
        if (! extension_loaded('amm')) {
            $this->markTestSkipped('The amm extension is not loaded.');
        }

        parent::setUp();
    }

    protected function tearDown(): void
    {
        if (extension_loaded('amm')) {
            parent::tearDown();
        }
    }
}
